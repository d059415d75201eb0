"""The projections of others' events. Each statement takes of one key the newest that it was given, and stores it where it is newer than what is there."""

from __future__ import annotations

from collections.abc import Sequence

from libs.common import phone
from libs.common.contracts.auth import FolderChanged
from libs.common.contracts.policies import PolicyChanged
from libs.common.contracts.senders import Brand, Header
from libs.common.db import Tx
from services.campaign.campaigns.rules import key_of

PUT_HEADERS_IF_NEWER = """
INSERT INTO headers AS h (company_id, header_key, header, active, version)
SELECT DISTINCT ON (i.key) $1::int, i.* FROM unnest($2::text[], $3::text[], $4::bool[], $5::int[]) AS i (key, header, active, version)
ORDER BY i.key, i.version DESC
ON CONFLICT (company_id, header_key) DO UPDATE
SET header = excluded.header, active = excluded.active, version = excluded.version WHERE h.version < excluded.version
"""


async def put_headers_if_newer(tx: Tx, company_id: int, headers: Sequence[Header]) -> None:
    await tx.execute(
        PUT_HEADERS_IF_NEWER,
        company_id,
        [phone.sender_key(header.header) for header in headers],
        [header.header for header in headers],
        [header.active for header in headers],
        [header.version for header in headers],
    )


PUT_BRANDS_IF_NEWER = """
INSERT INTO brands AS b (company_id, brand_key, name, active, version)
SELECT DISTINCT ON (i.key) $1::int, i.* FROM unnest($2::text[], $3::text[], $4::bool[], $5::int[]) AS i (key, name, active, version)
ORDER BY i.key, i.version DESC
ON CONFLICT (company_id, brand_key) DO UPDATE
SET name = excluded.name, active = excluded.active, version = excluded.version WHERE b.version < excluded.version
"""


async def put_brands_if_newer(tx: Tx, company_id: int, brands: Sequence[Brand]) -> None:
    await tx.execute(
        PUT_BRANDS_IF_NEWER,
        company_id,
        [key_of(brand.name) for brand in brands],
        [brand.name for brand in brands],
        [brand.active for brand in brands],
        [brand.version for brand in brands],
    )


PUT_FOLDERS_IF_NEWER = """
INSERT INTO folders AS f (company_id, folder_id, version)
SELECT DISTINCT ON (i.folder_id) $1::int, i.* FROM unnest($2::int[], $3::int[]) AS i (folder_id, version)
ORDER BY i.folder_id, i.version DESC
ON CONFLICT (company_id, folder_id) DO UPDATE SET version = excluded.version WHERE f.version < excluded.version
"""


async def put_folders_if_newer(tx: Tx, company_id: int, folders: Sequence[FolderChanged]) -> None:
    await tx.execute(
        PUT_FOLDERS_IF_NEWER,
        company_id,
        [folder.folder_id for folder in folders],
        [folder.version for folder in folders],
    )


PUT_POLICY_IF_NEWER = """
INSERT INTO policies AS p (company_id, opt_out_check, revision) VALUES ($1, $2, $3)
ON CONFLICT (company_id) DO UPDATE
SET opt_out_check = excluded.opt_out_check, revision = excluded.revision WHERE p.revision < excluded.revision
"""


async def put_policy_if_newer(tx: Tx, policy: PolicyChanged) -> None:
    await tx.execute(PUT_POLICY_IF_NEWER, policy.company_id, policy.opt_out_check, policy.revision)
