"""Files: finds schemas/ and fixtures/, reads YAML and JSON, and remembers where everything stood.

The only room that knows YAML. It knows how a file is found and read, never what it means: schemas, scenarios
and catalogues are checked by the rooms that use them. They name a value by its pointer and get its line back.
"""

from mockserver.data.documents import Document as Document
from mockserver.data.documents import Pointer as Pointer
from mockserver.data.folders import Folders as Folders
from mockserver.data.json_reader import parse_json as parse_json
from mockserver.data.json_reader import read_json as read_json
from mockserver.data.looking import Look as Look
from mockserver.data.looking import look_at as look_at
from mockserver.data.yaml_reader import parse_yaml as parse_yaml
from mockserver.data.yaml_reader import read_yaml as read_yaml

__all__ = [
    "Document",
    "Folders",
    "Look",
    "Pointer",
    "look_at",
    "parse_json",
    "parse_yaml",
    "read_json",
    "read_yaml",
]
