"""The lab's own certificate authority, and its server's certificate: for Redis over TLS."""

from __future__ import annotations

import base64
import datetime as dt
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from parlab.orchestrator.lab.access.secret_file import write

_AUTHORITY_DAYS = 3650
_SERVER_DAYS = 825
#: A server's certificate is made anew when it has less than this left.
_RENEW_DAYS = 60


def ensure_authority(folder: Path, now: dt.datetime) -> bool:
    """Make ``ca.key`` and ``ca.crt`` in a folder where they are missing; True where they were made."""
    if (folder / "ca.crt").exists() and (folder / "ca.key").exists():
        return False
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "parlab lab")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=2))
        .not_valid_after(now + dt.timedelta(days=_AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write_key(folder / "ca.key", key)
    write(folder / "ca.crt", certificate.public_bytes(serialization.Encoding.PEM))
    return True


def ensure_server(authority: Path, folder: Path, now: dt.datetime) -> bool:
    """Make ``server.key`` and ``server.crt``, signed by the authority, where they are missing or run out."""
    place = folder / "server.crt"
    if place.exists() and (folder / "server.key").exists():
        left = x509.load_pem_x509_certificate(place.read_bytes()).not_valid_after_utc - now
        if left > dt.timedelta(days=_RENEW_DAYS):
            return False
    signer = serialization.load_pem_private_key((authority / "ca.key").read_bytes(), password=None)
    assert isinstance(signer, ec.EllipticCurvePrivateKey)
    issuer = x509.load_pem_x509_certificate((authority / "ca.crt").read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "redis")]))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=2))
        .not_valid_after(now + dt.timedelta(days=_SERVER_DAYS))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("redis"), x509.DNSName("localhost")]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign=False), critical=True)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
        .sign(signer, hashes.SHA256())
    )
    _write_key(folder / "server.key", key)
    write(place, certificate.public_bytes(serialization.Encoding.PEM))
    return True


def for_token(certificate: Path) -> str:
    """Return a certificate file (PEM) as a join token carries it: base64 of DER."""
    der = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(serialization.Encoding.DER)
    return base64.b64encode(der).decode()


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=sign,
        crl_sign=sign,
        encipher_only=False,
        decipher_only=False,
    )


def _write_key(path: Path, key: ec.EllipticCurvePrivateKey) -> None:
    write(
        path,
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
    )
