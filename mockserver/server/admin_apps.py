"""Admin resources `apps`, `reload` and `reset`."""

from __future__ import annotations

import contextlib
import secrets

from mockserver.contract.apps import App, Credentials
from mockserver.core.errors import AdminError, ConfigurationError
from mockserver.core.text import Text
from mockserver.server.admin_catalog import ready
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Route


def list_apps(context: AdminContext, request: AdminRequest) -> Json:
    """Return the registered apps without their secrets; `made` marks those created at run time."""
    engine = context.engine
    return {
        "apps": [
            {"appkey": app.appkey, "name": app.name, "scenario": engine.store.app(app.appkey).scenario, "made": made}
            for apps, made in ((engine.config.apps, False), (engine.apps, True))
            for app in list(apps.values())
        ]
    }


def create_app(context: AdminContext, request: AdminRequest) -> Json:
    """Create an app with its own keys and state. No other response contains the secrets."""
    request.fields()
    appkey = f"9{secrets.randbelow(10**11):011d}"
    keys = Credentials(appkey, f"MADE/UP+{secrets.token_urlsafe(18)}==", f"made-up-{secrets.token_hex(8)}")
    context.engine.register(App(keys, ("admin",), "created at run time"))
    return {"appkey": appkey, "appsecret": keys.appsecret, "restapikey": keys.restapikey}


def delete_app(context: AdminContext, request: AdminRequest) -> Json:
    """Delete an app created at run time. Its requests stay in the journal for a report at the end of a run."""
    appkey = request.path["appkey"]
    if appkey in context.engine.config.apps:
        text = Text(
            f"app {appkey!r} is defined in apps.yaml; remove it there",
            f"应用 {appkey!r} 定义于 apps.yaml；请在文件中删除",
        )
        raise AdminError(409, "app_of_a_file", text)
    if context.engine.apps.pop(appkey, None) is None:
        raise context.unknown_app(appkey)
    context.release(appkey)
    context.engine.store.remove_app(appkey)
    return {"removed": appkey}


def reload(context: AdminContext, request: AdminRequest) -> Json:
    """Reload every file; with any problem the last good configuration stays in use."""
    request.fields()
    with contextlib.suppress(ConfigurationError):
        context.engine.reload()
    return ready(context, request)


def reset(context: AdminContext, request: AdminRequest) -> Json:
    """Restore the initial state of one app or of all, clear the journal, and release delayed responses."""
    request.fields()
    engine = context.engine
    if request.appkey is None:
        engine.store.reset()
    else:
        context.state(request.appkey)
        engine.store.reset_app(request.appkey)
    engine.journal.clear(request.appkey)
    return {"released": context.release(request.appkey)}


ROUTES = (
    Route("GET", "apps", list_apps, "List the apps", "列出应用"),
    Route("POST", "apps", create_app, "Create an app; returns its keys", "新建应用，返回其密钥", 201),
    Route("DELETE", "apps/<appkey>", delete_app, "Delete a created app", "删除新建的应用"),
    Route("POST", "reload", reload, "Reload all files", "重新加载全部文件"),
    Route("POST", "reset", reset, "Restore the initial state", "恢复初始状态"),
)
