"""auth: wiring, nothing else. What it answers, hears and does by itself, readable without running it."""

from libs.common.bus import anyone, each, each_read, operator, user
from libs.common.contracts.auth import (
    ActiveHeaders,
    AddBrand,
    AddHeader,
    CreateCompany,
    CreateFolder,
    CreateUser,
    CurrentUser,
    ListCompanies,
    LogIn,
    LogOut,
    ResolveSession,
    SetHeaderActive,
    SetPassword,
    SetPermissions,
    SetUserActive,
)
from libs.common.service import Service, run
from services.auth.app import compose
from services.auth.company import handlers as company
from services.auth.folders import handlers as folders
from services.auth.people import handlers as people
from services.auth.sessions import handlers as sessions
from services.auth.sessions.loop import ANNOUNCE, PRUNE
from services.auth.settings import AuthSettings

SERVICE = Service(
    name="auth",
    settings=AuthSettings,
    compose=compose,
    commands={
        LogIn: anyone(sessions.log_in),
        LogOut: anyone(sessions.log_out),
        CreateUser: operator(people.create_users),
        SetPassword: operator(people.set_passwords),
        SetPermissions: operator(each(people.set_permissions)),
        SetUserActive: operator(each(people.set_active)),
        CreateCompany: operator(each(company.create_company)),
        AddHeader: operator(each(company.add_header)),
        SetHeaderActive: operator(each(company.set_header_active)),
        AddBrand: operator(each(company.add_brand)),
        CreateFolder: operator(each(folders.create_folder)),
    },
    queries={
        ResolveSession: anyone(sessions.resolve),
        CurrentUser: user()(people.current_users),
        ActiveHeaders: user()(company.active_headers),
        ListCompanies: operator(each_read(company.list_companies)),
    },
    loops=[ANNOUNCE, PRUNE],
)

if __name__ == "__main__":
    run(SERVICE)
