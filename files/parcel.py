"""An image and all that belongs to it as bytes, for a machine that does not see its files."""

from dataclasses import dataclass, replace
from pathlib import Path

from files.image_files import ImageFiles


@dataclass(frozen=True)
class Parcel:
    """What a job is made of.

    Attributes:
        files: ImageFiles, as they lie where they were packed.
        contents: bytes of each of them, by path.
    """

    files: ImageFiles
    contents: dict

    @classmethod
    def pack(cls, files):
        """Read an image, its ground truth and its kernels, as they are on the disk."""
        paths = (files.input, files.ground_truth, *(files.kernels or ()))
        return cls(files, {path: path.read_bytes() for path in paths if path is not None})

    def unpack(self, folder):
        """Write them into a folder, each under its own name; returns ImageFiles of the copies."""
        copies = {}
        for number, (path, content) in enumerate(self.contents.items()):
            copies[path] = Path(folder) / str(number) / path.name
            copies[path].parent.mkdir(parents=True)
            copies[path].write_bytes(content)
        return replace(
            self.files,
            input=copies.get(self.files.input),
            ground_truth=copies.get(self.files.ground_truth),
            kernels=self.files.kernels and tuple(copies[kernel] for kernel in self.files.kernels),
        )
