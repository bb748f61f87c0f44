"""Beginnings of files in the formats that WhatsApp transports."""

import io
import struct
import zipfile


def build_zip(*names: str) -> bytes:
    """Return a ZIP file with these parts in this order."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, f"<content of='{name}'/>" * 50)
    return file.getvalue()


def build_docx() -> bytes:
    """Return a Word document in which other parts come first, as SharePoint writes it."""
    return build_zip("customXml/item1.xml", "docProps/app.xml", "[Content_Types].xml", "word/document.xml")


def build_mp4(brand: bytes = b"mp42") -> bytes:
    """Return the beginning of an MP4 file with this major brand, compatible with isom."""
    return struct.pack(">I", 28) + b"ftyp" + brand + b"\x00\x00\x00\x00" + brand + b"isommp42" + b"\x00" * 100


def build_ogg(packet: bytes) -> bytes:
    """Return the first page of an Ogg file that begins with this packet."""
    page = b"OggS\x00\x02" + b"\x00" * 20 + b"\x01" + bytes([len(packet)]) + packet
    return page + b"OggS" + b"\x00" * 60
