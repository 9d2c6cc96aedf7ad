"""An initramfs: files of this machine with the shared libraries that they need, in the format that the kernel unpacks."""
import os
import pathlib
import re
import stat
import subprocess
import tempfile


class Image:
    def __init__(self) -> None:
        self._entries: dict[str, tuple[int, bytes, int, int]] = {}
        for folder in ("dev", "proc", "sys", "run", "tmp", "root", "usr/bin", "usr/sbin", "usr/lib", "var/lib", "var/log", "etc"):
            self.folder(folder)
        for link in ("bin", "sbin", "lib"):
            self.link(link, f"usr/{link}")
        self.folder("usr/lib64")
        self.link("lib64", "usr/lib64")
        self._put("dev/console", stat.S_IFCHR | 0o600, b"", (5, 1))
        self._put("dev/null", stat.S_IFCHR | 0o666, b"", (1, 3))

    def _put(self, path: str, mode: int, content: bytes, device: tuple[int, int] = (0, 0)) -> None:
        path = re.sub(r"^/?(?=(bin|sbin|lib|lib64)/)", "usr/", path).lstrip("/")
        parent = str(pathlib.PurePosixPath(path).parent)
        if parent != "." and parent not in self._entries:
            self.folder(parent)
        self._entries[path] = (mode, content, *device)

    def folder(self, path: str, mode: int = 0o755) -> None:
        self._put(path, stat.S_IFDIR | mode, b"")

    def link(self, path: str, target: str) -> None:
        self._put(path, stat.S_IFLNK | 0o777, target.encode())

    def text(self, path: str, content: str, mode: int = 0o644) -> None:
        self._put(path, stat.S_IFREG | mode, content.encode())

    def data(self, path: str, content: bytes, mode: int = 0o644) -> None:
        self._put(path, stat.S_IFREG | mode, content)

    def copy(self, source: pathlib.Path, path: str | None = None) -> None:
        """A file as it is, by default to where it is on this machine; links are followed."""
        self._put(path or str(source), stat.S_IFREG | (source.stat().st_mode & 0o777), source.read_bytes())

    def program(self, source: pathlib.Path, path: str | None = None) -> None:
        """A program, without debug information, and its shared libraries."""
        with tempfile.NamedTemporaryFile() as stripped:
            subprocess.run(["strip", "-o", stripped.name, source], check=True)
            self.data(path or str(source), pathlib.Path(stripped.name).read_bytes(), 0o755)
        libraries = subprocess.run(["ldd", source], capture_output=True, text=True, check=False).stdout
        for library in re.findall(r"(/\S+) \(0x", libraries):
            self.copy(pathlib.Path(library))

    def write(self, file: pathlib.Path) -> None:
        """newc (Documentation/driver-api/early-userspace/buffer-format.rst of Linux)."""
        with open(file, "wb") as out:
            for number, (path, (mode, content, major, minor)) in enumerate(self._entries.items(), 1):
                self._record(out, number, path, mode, content, major, minor)
            self._record(out, 0, "TRAILER!!!", 0, b"", 0, 0)

    @staticmethod
    def _record(out, number: int, path: str, mode: int, content: bytes, major: int, minor: int) -> None:
        name = os.fsencode(path) + b"\0"
        fields = (number, mode, 0, 0, 1, 0, len(content), 0, 0, major, minor, len(name), 0)
        head = b"070701" + b"".join(b"%08X" % field for field in fields) + name
        out.write(head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4))
