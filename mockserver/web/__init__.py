"""The doors: Flask turns HTTP into calls and replies into responses. The only room that knows Flask."""
