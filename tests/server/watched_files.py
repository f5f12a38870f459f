"""User files for the tests of hot reload: numbered generations of a whole folder, and typical mistakes."""

from __future__ import annotations

from pathlib import Path

from helpers import http_client
from helpers.request_builder import NOW

SHIPPED = Path(__file__).parents[2]
SCENARIO = """title: Generation {number}
extends: document
world:
  source: recorded
  rooms:
    - {{RoomId: "77", stays: [{{UserId: "u{number}", enter: 1575990000, leave: 1575990060}}]}}
answers:
  - on: query_room_info
    reply: {{error: room_not_found, info: "generation {number}"}}
"""
MISTAKES = {
    "scenarios/watched.yaml": [
        ("title:", "title: [", "not YAML"),
        ("extends: document", "extends: documnet", "unknown base scenario"),
        ("answers:", "anwsers:", "misspelt key"),
        ("error: room_not_found", "error: room_not_fond", "unknown error"),
        ("leave: 1575990060", "leave: 1575980000", "session ends before it begins"),
        ("on: query_room_info", "on: query_room", "unknown operation"),
        ("source: recorded", "source: recalled", "unknown source"),
        ("title:", "\ttitle:", "tab"),
    ],
    "errors.yaml": [
        ("name: room_not_found", "name: room_not_fond", "required name missing"),
        ("status: 404", "status: high", "text instead of a number"),
        ("errors:", "errors: {", "not YAML"),
    ],
    "apps.yaml": [
        ('appkey: "123456789"', "appkey: 123456789", "number instead of a text"),
        ("appsecret:", "appsecert:", "misspelt key"),
    ],
    "schemas/query_room_info.request.json": [
        ('"type": "object"', '"type": "objekt"', "not a JSON Schema"),
        ("{", "{{", "not JSON"),
    ],
}
"""By file: (text, its replacement, why the replacement is a mistake)."""


def files_of(number: int) -> dict[str, str]:
    """Return a set of files whose catalogue, scenario and world contain the generation's number."""
    errors = (SHIPPED / "fixtures/errors.yaml").read_text(encoding="utf-8")
    schema = "schemas/query_room_info.request.json"
    return {
        "scenarios/watched.yaml": SCENARIO.format(number=number),
        "errors.yaml": errors.replace("code: 1301", f"code: {20_000 + number}"),
        "apps.yaml": (SHIPPED / "fixtures/apps.yaml").read_text(encoding="utf-8"),
        schema: (SHIPPED / schema).read_text(encoding="utf-8"),
    }


def write(folder: Path, files: dict[str, str]) -> Path:
    """Write the files into a folder and return the folder."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    return folder


def generation(client: http_client.Client) -> int:
    """Return the generation of the answers; ErrorCode (catalogue) and ErrorInfo (scenario) must agree."""
    answer = client.call("query_room_info", {"RoomId": "any"}, at=NOW).json
    assert answer["ErrorInfo"] == f"generation {answer['ErrorCode'] - 20_000}"
    return answer["ErrorCode"] - 20_000


def world_generation(client: http_client.Client) -> int:
    """Return the generation of the world's rows."""
    window = {"BeginTime": "1575990000", "EndTime": "1575990060"}
    (row,) = client.call("query_all_instance_by_time", window, at=NOW).json["UsersList"]
    return int(row["UserId"].removeprefix("u"))
