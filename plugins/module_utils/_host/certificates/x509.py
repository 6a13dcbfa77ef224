"""Keys and certificates through the ``cryptography`` library, which is imported nowhere else."""

from __future__ import annotations

import datetime
import ipaddress
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from .declared import Authority, KeyKind, Leaf, Subject
from .plan import Facts

IMPORT_ERROR: str | None = None
try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    IMPORT_ERROR = traceback.format_exc()

# Clocks of hosts differ: a certificate is valid a little before it is made.
_CLOCK_SKEW = datetime.timedelta(hours=1)
_BEGIN = b"-----BEGIN CERTIFICATE-----"
_END = b"-----END CERTIFICATE-----"

Key = t.Any
Certificate = t.Any


class UnreadableError(Exception):
    """A file is not what its name says; the text goes into a sentence."""


def require_cryptography(module: AnsibleModule) -> None:
    if IMPORT_ERROR is not None:
        module.fail_json(msg=missing_required_lib("cryptography >= 3.3"), exception=IMPORT_ERROR)


def new_key(kind: KeyKind) -> Key:
    if kind.algorithm == "rsa":
        return rsa.generate_private_key(public_exponent=65537, key_size=kind.bits)
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: Key) -> bytes:
    """PKCS #8 without a password, which every server and driver reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(certificate: Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def load_key(content: bytes, passphrase: str | None = None) -> Key:
    """
    :raises UnreadableError: it is not a private key, or the passphrase is wrong. Never quotes the content.
    """
    try:
        return serialization.load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except (TypeError, ValueError):
        raise UnreadableError("it is not a private key in PEM form, or its passphrase is another one") from None
    except Exception:  # cryptography has further exceptions of its own for forms that it does not support
        raise UnreadableError("it is a private key of an unsupported form") from None


def load_certificate(content: bytes) -> Certificate:
    """The first certificate of a PEM file.

    :raises UnreadableError: there is none.
    """
    begin = content.find(_BEGIN)
    end = content.find(_END, begin)
    if begin < 0 or end < 0:
        raise UnreadableError("it holds no whole certificate in PEM form")
    try:
        return x509.load_pem_x509_certificate(content[begin : end + len(_END)] + b"\n")
    except ValueError:
        raise UnreadableError("its certificate is damaged") from None


def public_key_id(key: Key) -> str:
    """Names a key pair, from either half."""
    public = key.public_key()
    encoded = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(encoded)
    return digest.finalize().hex()


def read_facts(certificate: Certificate, authority: Certificate | None) -> Facts:
    """
    :param authority: the one that should have signed it; ``None`` for a self-signed one.
    """
    names = _extension(certificate, x509.SubjectAlternativeName)
    usages = _extension(certificate, x509.ExtendedKeyUsage)
    basic = _extension(certificate, x509.BasicConstraints)
    known = {ExtendedKeyUsageOID.SERVER_AUTH: "server", ExtendedKeyUsageOID.CLIENT_AUTH: "client"}
    return Facts(
        subject=Subject(
            _attribute(certificate, NameOID.COMMON_NAME) or "",
            _attribute(certificate, NameOID.ORGANIZATION_NAME),
            _attribute(certificate, NameOID.ORGANIZATIONAL_UNIT_NAME),
        ),
        dns_names=frozenset(names.get_values_for_type(x509.DNSName)) if names else frozenset(),
        ip_addresses=frozenset(str(ip) for ip in names.get_values_for_type(x509.IPAddress)) if names else frozenset(),
        usage=frozenset(known.get(usage, usage.dotted_string) for usage in usages) if usages else frozenset(),
        is_authority=bool(basic and basic.ca),
        key=_kind(certificate.public_key()),
        not_after=not_after(certificate),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        signed_by_authority=_is_signed_by(certificate, authority or certificate),
    )


def not_after(certificate: Certificate) -> datetime.datetime:
    try:
        return certificate.not_valid_after_utc
    except AttributeError:  # cryptography before 42
        return certificate.not_valid_after.replace(tzinfo=datetime.timezone.utc)


def make_authority(wanted: Authority, key: Key, subject: x509.Name | None, now: datetime.datetime) -> Certificate:
    """A self-signed certificate.

    :param subject: that of the certificate it replaces, so that what was signed under it stays valid.
    """
    name = subject or _name(wanted.subject)
    builder = _builder(name, name, key.public_key(), now, now + datetime.timedelta(days=wanted.valid_days))
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_key_usage(authority=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    return builder.sign(key, _digest(key))


def make_leaf(
    wanted: Leaf, key: Key, authority: Certificate, authority_key: Key, now: datetime.datetime
) -> Certificate:
    """A certificate signed by the authority; never valid for longer than it."""
    end = min(now + datetime.timedelta(days=wanted.valid_days), not_after(authority))
    oids = {"server": ExtendedKeyUsageOID.SERVER_AUTH, "client": ExtendedKeyUsageOID.CLIENT_AUTH}
    builder = _builder(_name(wanted.subject), authority.subject, key.public_key(), now, end)
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([oids[usage] for usage in sorted(wanted.usage)]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
    )
    names: list[x509.GeneralName] = [x509.DNSName(dns) for dns in sorted(wanted.dns_names)]
    names += [x509.IPAddress(ipaddress.ip_address(text)) for text in sorted(wanted.ip_addresses)]
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return builder.sign(authority_key, _digest(authority_key))


def _builder(
    subject: x509.Name, issuer: x509.Name, public_key: Key, now: datetime.datetime, end: datetime.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(end)
    )


def _digest(key: Key) -> hashes.SHA256 | None:
    # Ed25519 and Ed448 have a digest of their own.
    return hashes.SHA256() if isinstance(key, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)) else None


def _key_usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not authority,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )


def _name(subject: Subject) -> x509.Name:
    fields = [
        (NameOID.ORGANIZATION_NAME, subject.organization),
        (NameOID.ORGANIZATIONAL_UNIT_NAME, subject.organizational_unit),
        (NameOID.COMMON_NAME, subject.common_name),
    ]
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in fields if value is not None])


def _kind(public_key: Key) -> KeyKind:
    if isinstance(public_key, rsa.RSAPublicKey):
        return KeyKind("rsa", public_key.key_size)
    if isinstance(public_key, ec.EllipticCurvePublicKey):
        return KeyKind("ec", public_key.key_size)
    return KeyKind(type(public_key).__name__)


def _attribute(certificate: Certificate, oid: x509.ObjectIdentifier) -> str | None:
    found = certificate.subject.get_attributes_for_oid(oid)
    return str(found[0].value) if found else None


def _extension(certificate: Certificate, kind: t.Any) -> t.Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _is_signed_by(certificate: Certificate, authority: Certificate) -> bool:
    if certificate.issuer != authority.subject:
        return False
    public_key = authority.public_key()
    signed, signature, digest = (
        certificate.tbs_certificate_bytes,
        certificate.signature,
        certificate.signature_hash_algorithm,
    )
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, signed, padding.PKCS1v15(), digest)
        elif isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(signature, signed, ec.ECDSA(digest))
        else:
            public_key.verify(signature, signed)
    except InvalidSignature:
        return False
    return True
