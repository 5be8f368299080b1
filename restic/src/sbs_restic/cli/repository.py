"""How a restic repository is reached, as the arguments that every command shares."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from sbs_restic.cli.errors import InvalidPathError, InvalidRequestError


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A restic repository and the way to it. Make one with `local` or `rest`.

    location: restic's own notation of the place; never with credentials in it.
    password: opens one of its keys; travels through a pipe only.
    cacert: PEM file with the certificates that may sign the server's (instead of the system's).
    client_cert: PEM file with our certificate (and chain) and its private key.
    retry_lock_s: how long to wait for other people's locks; 0 fails at once with RepositoryLockedError.
    no_lock: do not lock (reading only; for read-only repositories).
    limit_upload_kib, limit_download_kib: KiB/s.
    extra: further global options of restic, as they are.
    """

    location: str
    password: SecretStr
    cacert: Path | None = None
    client_cert: Path | None = None
    retry_lock_s: int = 0
    no_lock: bool = False
    limit_upload_kib: int | None = None
    limit_download_kib: int | None = None
    extra: tuple[str, ...] = ()

    @classmethod
    def local(cls, path: Path | str, password: SecretStr, *, retry_lock_s: int = 0) -> "Repository":
        """Give the repository in a folder of this machine. The path must be absolute."""
        if not Path(path).is_absolute():
            raise InvalidPathError(f"{str(path)!r} is not an absolute path of a repository's folder")
        return cls(location=os.fspath(path), password=password, retry_lock_s=retry_lock_s)

    @classmethod
    def rest(
        cls,
        url: str,
        password: SecretStr,
        *,
        cacert: Path | None = None,
        client_cert: Path | None = None,
        retry_lock_s: int = 0,
    ) -> "Repository":
        """Give the repository behind a REST server. url: http(s)://host:port/path/, no credentials in it."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidRequestError("a REST repository needs an address like https://host:port/path/")
        if parts.username is not None or parts.password is not None:
            # It would be readable by every user of the machine, in the list of processes.
            raise InvalidRequestError("no credentials in a repository's address: use a client certificate")
        return cls(
            location=f"rest:{url if url.endswith('/') else url + '/'}",
            password=password,
            cacert=cacert,
            client_cert=client_cert,
            retry_lock_s=retry_lock_s,
        )

    def args(self) -> list[str]:
        """Give restic's global options, without the password."""
        args = ["--repo", self.location, "--json", *self.extra]
        if self.cacert:
            args += ["--cacert", str(self.cacert)]
        if self.client_cert:
            args += ["--tls-client-cert", str(self.client_cert)]
        if self.retry_lock_s > 0:
            args += ["--retry-lock", f"{self.retry_lock_s}s"]
        if self.no_lock:
            args.append("--no-lock")
        if self.limit_upload_kib:
            args += ["--limit-upload", str(self.limit_upload_kib)]
        if self.limit_download_kib:
            args += ["--limit-download", str(self.limit_download_kib)]
        return args
