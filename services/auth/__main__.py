"""auth: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from libs.common.bus import anyone, each, each_read, operator, user
from libs.common.contracts.auth import (
    CheckReusableToken,
    CreateApiKey,
    CreateFolder,
    CreateUser,
    CurrentUser,
    ListApiKeys,
    ListReusableTokens,
    LogIn,
    LogInWithToken,
    LogOut,
    ReadFolders,
    RequestReusableToken,
    ResolveSession,
    RevokeApiKey,
    RevokeReusableToken,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.contracts.companies import CreateCompany, ListCompanies
from libs.common.contracts.senders import (
    ActiveBrands,
    ActiveHeaders,
    AddBrand,
    AddHeader,
    ApproveHeader,
    ListProtectedNames,
    ProtectName,
    ReadHeaderDecisions,
    RejectHeader,
    SetBrandActive,
    SetHeaderActive,
    SetHeaderBrand,
    UnprotectName,
)
from libs.common.service import Service, run
from services.auth.app import compose
from services.auth.company import handlers as company
from services.auth.folders import handlers as folders
from services.auth.keys import handlers as keys
from services.auth.people import handlers as people
from services.auth.sessions import handlers as sessions
from services.auth.sessions.loop import ANNOUNCE, PRUNE
from services.auth.settings import AuthSettings
from services.auth.tokens import handlers as tokens

SERVICE = Service(
    name="auth",
    settings=AuthSettings,
    compose=compose,
    commands={
        LogIn: anyone(sessions.log_in),
        LogInWithToken: anyone(tokens.log_in),
        LogOut: anyone(sessions.log_out),
        RequestReusableToken: user()(tokens.request),
        RevokeReusableToken: user()(each(tokens.revoke)),
        CreateApiKey: user()(keys.create),
        RevokeApiKey: user()(each(keys.revoke)),
        CreateUser: operator(people.create_users),
        SetPassword: operator(people.set_passwords),
        SetPermissions: operator(each(people.set_permissions)),
        SetUserActive: operator(each(people.set_active)),
        CreateCompany: operator(each(company.create_company)),
        AddHeader: operator(each(company.add_header)),
        SetHeaderActive: operator(each(company.set_header_active)),
        SetHeaderBrand: operator(each(company.set_header_brand)),
        ApproveHeader: operator(each(company.approve_header)),
        RejectHeader: operator(each(company.reject_header)),
        ProtectName: operator(each(company.protect_name)),
        UnprotectName: operator(each(company.unprotect_name)),
        AddBrand: operator(each(company.add_brand)),
        SetBrandActive: operator(each(company.set_brand_active)),
        CreateFolder: operator(folders.create_folders),
    },
    queries={
        ResolveSession: anyone(sessions.resolve),
        CurrentUser: user()(people.current_users),
        CheckReusableToken: anyone(tokens.check),
        ListReusableTokens: user()(tokens.list_tokens),
        ListApiKeys: user()(keys.list_keys),
        ActiveHeaders: user()(company.active_headers),
        ActiveBrands: user()(company.active_brands),
        ReadFolders: user()(folders.read_folders),
        ListCompanies: operator(each_read(company.list_companies)),
        ReadHeaderDecisions: operator(each_read(company.read_header_decisions)),
        ListProtectedNames: operator(each_read(company.list_protected_names)),
    },
    loops=[ANNOUNCE, PRUNE],
)

if __name__ == "__main__":
    run(SERVICE)
