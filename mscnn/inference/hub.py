"""Upload of bundles to the Hugging Face hub."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from mscnn.errors import UserError
from mscnn.inference import members
from mscnn.log import get_logger
from mscnn.packages import require


def push(path: str | os.PathLike, repository: str, *, private: bool = False) -> str:
    """Upload the files of a checked bundle to a model repository ``OWNER/NAME``, its card as README.md as well.

    The address of the hub and the token are those of huggingface_hub: ``HF_ENDPOINT``, ``HF_TOKEN`` or its login.

    Returns:
        address of the commit.

    Raises:
        UserError: the bundle is damaged, the package is missing, or the hub refuses (``hub-refused``).
    """
    hub = require("huggingface_hub", "push")
    for name in ("httpx", "httpx2"):
        get_logger(name).setLevel("WARNING")  # it logs every request
    with members.opened(path) as folder, tempfile.TemporaryDirectory(prefix="mscnn-") as temporary:
        files = Path(temporary) / "bundle"
        names = [*members.read_sums(Path(path), (folder / members.SUMS).read_text(encoding="utf-8")), members.SUMS]
        for name in names:
            (files / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / name, files / name)
        if (files / members.CARD).is_file():
            shutil.copyfile(files / members.CARD, files / "README.md")
        try:
            api = hub.HfApi()
            api.create_repo(repository, repo_type="model", private=private, exist_ok=True)
            done = api.upload_folder(repo_id=repository, folder_path=files, commit_message="Bundle of mscnn")
        except (OSError, ValueError, RuntimeError) as error:  # of requests or httpx, of names, of the token
            reason = " ".join(str(error).split())[:300]
            raise UserError(
                f"{repository}: not uploaded: {reason}; log in with: hf auth login", code="hub-refused"
            ) from None
    return str(done.commit_url)
