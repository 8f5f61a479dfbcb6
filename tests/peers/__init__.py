"""The real tools, and the real client libraries, talk to a real ``tocsin serve``."""
