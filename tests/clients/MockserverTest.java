import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.HexFormat;
import java.util.UUID;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Test a Java client against mockserver, with JUnit 5 and Java 17 or later.
 * Uses the server at MOCKSERVER_URL (with MOCKSERVER_ADMIN_TOKEN if it has a token), or starts one: `mockserver` on the PATH.
 */
class MockserverTest {
    static final HttpClient HTTP = HttpClient.newHttpClient();
    static String url = System.getenv("MOCKSERVER_URL");
    static Process server;
    static String appkey, appsecret, restapikey;

    /** Your client. This one signs (§1.1.2), and tries again once, a second after the error server_busy. */
    static String queryRoom(String roomId) throws Exception {
        for (int attempt = 1; ; attempt++) {
            long curtime = Instant.now().getEpochSecond();
            byte[] text = (appsecret + restapikey + curtime).getBytes(StandardCharsets.UTF_8);
            String checksum = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-1").digest(text));
            String query = "appkey=" + appkey + "&identifier=admin&curtime=" + curtime
                    + "&checksum=" + checksum + "&seq=" + UUID.randomUUID();
            HttpRequest request = HttpRequest.newBuilder(URI.create(url + "/v2/video/query_room_info?" + query))
                    .header("Content-Type", "application/json")
                    .POST(BodyPublishers.ofString("{\"RoomId\": \"" + roomId + "\"}"))
                    .build();
            String answer = HTTP.send(request, BodyHandlers.ofString()).body();
            if (!answer.contains("\"ErrorCode\":1402") || attempt == 2) {
                return answer;
            }
            Thread.sleep(1100);
        }
    }

    @Test
    void theClientTriesAgainWhenTheServerIsBusy() throws Exception {
        admin("POST", "faults?appkey=" + appkey, "{\"fault\": \"error\", \"name\": \"server_busy\", \"times\": 1}");
        String answer = queryRoom("987654321");
        assertTrue(answer.contains("\"Status\":\"OK\"") && answer.contains("\"UserId\""), answer);
        String verified = admin("POST", "requests/verify?appkey=" + appkey,
                "{\"operation\": \"query_room_info\", \"when\": {\"body\": {\"RoomId\": \"987654321\"}}, \"count\": 2}");
        assertTrue(verified.contains("\"ok\": true"), verified);
    }

    @BeforeAll
    static void createApp() throws Exception {
        if (url == null) {
            server = new ProcessBuilder("mockserver", "serve", "--port", "0")
                    .redirectError(ProcessBuilder.Redirect.INHERIT).start();
            String line = server.inputReader().readLine();  // "mockserver ready on http://127.0.0.1:43210 …"
            assertTrue(line != null, "mockserver did not start");  // its reason is above
            url = find("(https?://[^\\s,]+)", line);
        }
        // An app of your own: nobody else's requests are seen or disturbed.
        String app = admin("POST", "apps", "{}");
        appkey = find("\"appkey\": \"([^\"]+)\"", app);  // the JDK reads no JSON: use your library
        appsecret = find("\"appsecret\": \"([^\"]+)\"", app);
        restapikey = find("\"restapikey\": \"([^\"]+)\"", app);
    }

    @AfterAll
    static void report() throws Exception {
        try {
            if (appkey == null) {
                return;
            }
            String report = admin("POST", "report",
                    "{\"form\": \"text\", \"appkeys\": [\"" + appkey + "\"], \"fail_on_violations\": true}");
            System.out.println(find("\"rendered\": \"((?:[^\"\\\\]++|\\\\.)*+)\"", report).replace("\\n", "\n"));
            admin("DELETE", "apps/" + appkey, "{}");
            assertEquals("", find("\"complaints\": \\[(.*?)\\]", report));
        } finally {
            if (server != null) {
                server.destroy();
            }
        }
    }

    static String admin(String method, String path, String body) throws IOException, InterruptedException {
        HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url + "/__admin/" + path))
                .header("Content-Type", "application/json")
                .header("X-Mock-Admin", "1")
                .method(method, BodyPublishers.ofString(body));
        String token = System.getenv("MOCKSERVER_ADMIN_TOKEN");
        if (token != null) {
            request.header("Authorization", "Bearer " + token);
        }
        var response = HTTP.send(request.build(), BodyHandlers.ofString());
        assertTrue(response.statusCode() < 300, method + " " + path + ": " + response.statusCode() + " " + response.body());
        return response.body();
    }

    static String find(String pattern, String text) {
        var matcher = Pattern.compile(pattern, Pattern.DOTALL).matcher(text);
        assertTrue(matcher.find(), text);
        return matcher.group(1);
    }
}
