// Test a Go client against mockserver: `go test mockserver_test.go` (no modules needed).
// Uses the server at MOCKSERVER_URL (with MOCKSERVER_ADMIN_TOKEN if it has a token), or starts one: `mockserver` on the PATH.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"
)

type App struct{ Appkey, Appsecret, Restapikey string }

type Answer struct {
	Status    string
	ErrorCode int
	Users     []struct{ UserId string }
}

// Your client. This one signs (§1.1.2), and tries again once, a second after the error server_busy.
func queryRoom(server string, app App, room string) (answer Answer, err error) {
	for attempt := 1; ; attempt++ {
		curtime := fmt.Sprint(time.Now().Unix())
		query := url.Values{
			"appkey": {app.Appkey}, "identifier": {"admin"}, "curtime": {curtime},
			"checksum": {fmt.Sprintf("%x", sha1.Sum([]byte(app.Appsecret+app.Restapikey+curtime)))},
			"seq":      {fmt.Sprint(time.Now().UnixNano())},
		}
		body, _ := json.Marshal(map[string]string{"RoomId": room})
		response, err := http.Post(server+"/v2/video/query_room_info?"+query.Encode(), "application/json", bytes.NewReader(body))
		if err != nil {
			return answer, err
		}
		answer = Answer{}
		err = json.NewDecoder(response.Body).Decode(&answer)
		response.Body.Close()
		if err != nil || answer.ErrorCode != 1402 || attempt == 2 {
			return answer, err
		}
		time.Sleep(1100 * time.Millisecond)
	}
}

var (
	server = os.Getenv("MOCKSERVER_URL")
	app    App
)

func admin(method, path string, body, result any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequest(method, server+"/__admin/"+path, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Mock-Admin", "1")
	if token := os.Getenv("MOCKSERVER_ADMIN_TOKEN"); token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= 300 {
		err = fmt.Errorf("%s %s: HTTP %d %s", method, path, response.StatusCode, text)
	}
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(text, result)
}

type object map[string]any

func start() (*exec.Cmd, error) {
	command := exec.Command("mockserver", "serve", "--port", "0")
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err = command.Start(); err != nil {
		return nil, err
	}
	line, _ := bufio.NewReader(output).ReadString('\n') // "mockserver ready on http://127.0.0.1:43210 …"
	if server = regexp.MustCompile(`https?://[^\s,]+`).FindString(line); server == "" {
		return nil, fmt.Errorf("mockserver did not start") // its reason is above
	}
	return command, nil
}

func TestMain(m *testing.M) {
	os.Exit(func() int {
		if server == "" {
			command, err := start()
			if err != nil {
				fmt.Println(err)
				return 1
			}
			defer command.Process.Kill()
		}
		// An app of your own: nobody else's requests are seen or disturbed.
		if err := admin("POST", "apps", object{}, &app); err != nil {
			fmt.Println(err)
			return 1
		}
		code := m.Run()
		var report struct {
			Rendered   string
			Complaints []string
		}
		options := object{"form": "text", "appkeys": []string{app.Appkey}, "fail_on_violations": true}
		if err := admin("POST", "report", options, &report); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Print(report.Rendered)
		if err := admin("DELETE", "apps/"+app.Appkey, object{}, nil); err != nil || len(report.Complaints) > 0 {
			fmt.Println(report.Complaints, err)
			return 1
		}
		return code
	}())
}

func TestTheClientTriesAgainWhenTheServerIsBusy(t *testing.T) {
	if err := admin("POST", "faults?appkey="+app.Appkey, object{"fault": "error", "name": "server_busy", "times": 1}, nil); err != nil {
		t.Fatal(err)
	}
	answer, err := queryRoom(server, app, "987654321")
	if err != nil || answer.Status != "OK" || len(answer.Users) == 0 {
		t.Fatal(answer, err)
	}
	expected := object{"operation": "query_room_info", "when": object{"body": object{"RoomId": "987654321"}}, "count": 2}
	var verified object
	if err := admin("POST", "requests/verify?appkey="+app.Appkey, expected, &verified); err != nil || verified["ok"] != true {
		t.Fatal(verified, err)
	}
}
