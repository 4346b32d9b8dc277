"""A term sheet as RSL 1.0 (Really Simple Licensing): the short form that crawlers look for.

RSL's usage tokens are coarser than any use in a sheet: `ai-train` would cover a copy of somebody's voice as well as
writing down speech. So the short form permits nothing by token. It prohibits every use without a licence, says where
one is bought and which countries are left out, and names the sheet's legal text as the terms that count: it never
grants more than the sheet.

RSL 1.0 (2025-11-06), elements <content>, <license>, <permits>, <prohibits>, <payment>, <custom>, <terms>.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement, indent, tostring

from api.terms.sheet import TermSheet

NAMESPACE = "https://rslstandard.org/rsl"


def rsl(sheet: TermSheet) -> bytes:
    """Write the licence document; its addresses are relative to the service that publishes it."""
    url = f"/v1/term-sheets/{sheet.id}/versions/{sheet.version}"
    root = Element("rsl", xmlns=NAMESPACE)
    content = SubElement(root, "content", url=f"{url}/recordings")
    licence = SubElement(content, "license")
    SubElement(licence, "prohibits", type="usage").text = "all"
    if "worldwide" not in sheet.territory.include:
        SubElement(licence, "permits", type="geo").text = " ".join(sheet.territory.include)
    if sheet.territory.exclude:
        SubElement(licence, "prohibits", type="geo").text = " ".join(sheet.territory.exclude)
    payment = SubElement(licence, "payment", type="purchase")
    SubElement(payment, "custom").text = sheet.parties.licensee.contact
    SubElement(content, "copyright", type="person").text = "the contributor of each recording"
    SubElement(content, "terms").text = f"{url}/legal-text"
    indent(root, " ")
    body: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return body + b"\n"
