"""Debian's kernels: finds the newest package of a series, downloads it, and unpacks what a guest needs of it."""
import lzma
import pathlib
import re
import shutil
import subprocess
import tempfile

# Meta packages, each of which depends on the newest kernel of its series. The cloud flavour is Debian's kernel with fewer
# drivers: a quarter of the size.
META = {"6.1": "linux-image-cloud-amd64", "6.12": "linux-image-6.12-cloud-amd64"}

# Modules of some kernels that are a part of another module in others.
MERGED = {"nft_objref"}


class Kernel:
    """`image` is a path; `modules` maps the name of a module to the path of its file (.ko or .ko.xz)."""

    def __init__(self, folder: pathlib.Path):
        self.image = next(folder.glob("boot/vmlinuz-*"))
        self.version = self.image.name.removeprefix("vmlinuz-")
        self.modules = {re.sub(r"\.ko.*", "", path.name).replace("-", "_"): path for path in folder.rglob("*.ko*")}
        self.builtin = {pathlib.PurePath(line).stem.replace("-", "_")
                        for line in next(folder.rglob("modules.builtin")).read_text().splitlines()}

    def load_order(self, names: list[str]) -> list[tuple[str, bytes]]:
        """(name, content) of the modules and of those that they depend on, each after its dependencies. Without those
        that are built in."""
        ordered: dict[str, bytes] = {}

        def add(name: str) -> None:
            if name in ordered or name in self.builtin or (name in MERGED and name not in self.modules):
                return
            if name not in self.modules:
                raise KeyError(f"kernel {self.version} has no module {name}")
            content = self.modules[name].read_bytes()
            if self.modules[name].suffix == ".xz":
                content = lzma.decompress(content)
            found = re.search(rb"\0depends=([^\0]*)\0", content)
            for other in (found[1].decode().split(",") if found and found[1] else []):
                add(other.replace("-", "_"))
            ordered[name] = content

        for name in names:
            add(name)
        return list(ordered.items())


def newest_package(series: str) -> str:
    """Name and version, as apt-get download takes them."""
    depends = subprocess.run(["apt-cache", "depends", META[series]], capture_output=True, text=True, check=False).stdout
    name = re.search(rf"Depends: (linux-image-{re.escape(series)}\.\S+)", depends)
    if not name:
        raise LookupError(f"{META[series]} depends on no kernel {series}: {depends}")
    policy = subprocess.run(["apt-cache", "policy", name[1]], capture_output=True, text=True, check=True).stdout
    version = re.search(r"Candidate: (\S+)", policy)
    return f"{name[1]}={version[1]}"


def fetch_newest(series: str, cache: pathlib.Path) -> pathlib.Path:
    package = newest_package(series)
    folder = cache / package.replace("=", "_").replace(":", "%")
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as temporary:
        work = pathlib.Path(temporary)
        subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", package], cwd=work, check=True)
        subprocess.run(["dpkg-deb", "-x", next(work.glob("*.deb")), work / "root"], check=True)
        for old in cache.glob(f"linux-image-{series}.*"):
            shutil.rmtree(old)
        (work / "root").rename(folder)
    return folder


def fetch(series: str, cache: pathlib.Path) -> Kernel:
    """The newest kernel of `series`. `cache` keeps one unpacked kernel of each series."""
    try:
        return Kernel(fetch_newest(series, cache))
    except (LookupError, subprocess.CalledProcessError) as error:
        print(f"{error}: updating the package lists", flush=True)
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        return Kernel(fetch_newest(series, cache))
