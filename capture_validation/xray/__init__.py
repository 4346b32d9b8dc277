"""The privacy X-ray: what a recording tells about people and places beyond what it was made for.

It counts and points: kinds of traces in the file's metadata, faces and readable text in the picture, with the seconds
and the places. It recognises nobody: no template of a face is computed, no text is read, no crop is kept. What no model
looked for is "not checked" and never "nothing found".
"""

from capture_validation.xray.findings import Box, Sighting, Trace, Xray

__all__ = ["FACE_MODEL", "Box", "Sighting", "Trace", "Xray"]

#: Names a YuNet file in ONNX form that an operator brings; it finds faces in place of the wheel's networks.
FACE_MODEL = "COMPANION_FACE_MODEL"
