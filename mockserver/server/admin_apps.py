"""Admin resources `apps`, `reload` and `reset`."""

from __future__ import annotations

import contextlib
import secrets

from mockserver.contract.apps import App, Credentials
from mockserver.core.errors import ConfigurationError
from mockserver.core.text import Lang, Text
from mockserver.server.admin_catalog import ready
from mockserver.server.admin_request import AdminContext, AdminRequest, Json, Routes
from mockserver.server.guard import admin_error

ROUTES = Routes()


@ROUTES.add("GET", "apps", "列出应用")
def list_apps(context: AdminContext, request: AdminRequest) -> Json:
    """List the apps.

    The secrets are not included; `made` is true for apps created at run time.
    """
    return {"apps": app_rows(context, context.lang)}


def app_rows(context: AdminContext, lang: Lang) -> list[Json]:
    """Return a row for each app, with its name in one language."""
    engine = context.engine
    return [
        {
            "appkey": app.appkey,
            "name": app.name.to(lang),
            "scenario": engine.store.app(app.appkey).scenario,
            "made": made,
        }
        for apps, made in ((engine.config.apps, False), (engine.apps, True))
        for app in list(apps.values())
    ]


@ROUTES.add("POST", "apps", "新建应用，返回其密钥", status=201)
def create_app(context: AdminContext, request: AdminRequest) -> Json:
    """Create an app with its own keys and state; returns its keys.

    This is the only response that contains the secrets.
    """
    request.fields()
    appkey = f"9{secrets.randbelow(10**11):011d}"
    keys = Credentials(appkey, f"MADE/UP+{secrets.token_urlsafe(18)}==", f"made-up-{secrets.token_hex(8)}")
    context.engine.register(App(keys, ("admin",), Text("created at run time", "运行时新建")))
    return {"appkey": appkey, "appsecret": keys.appsecret, "restapikey": keys.restapikey}


@ROUTES.add("DELETE", "apps/<appkey>", "删除新建的应用")
def delete_app(context: AdminContext, request: AdminRequest) -> Json:
    """Delete an app created at run time.

    Its requests stay in the journal for a report at the end of a run.
    """
    appkey = request.path["appkey"]
    if appkey in context.engine.config.apps:
        raise admin_error("app_of_a_file", appkey=appkey)
    if appkey not in context.engine.store.apps:
        raise context.unknown_app(appkey)
    context.release(appkey)
    context.engine.store.remove_app(appkey)
    return {"removed": appkey}


@ROUTES.add("POST", "reload", "重新加载全部文件")
def reload(context: AdminContext, request: AdminRequest) -> Json:
    """Reload all files.

    If there is a problem, the last valid configuration stays in use.
    """
    request.fields()
    with contextlib.suppress(ConfigurationError):
        context.engine.reload()
        context.engine.store.announce_reload()
    return ready(context, request)


@ROUTES.add("POST", "reset", "恢复初始状态")
def reset(context: AdminContext, request: AdminRequest) -> Json:
    """Restore the initial state, clear the journal, release delayed responses; without appkey, remove created apps."""
    request.fields()
    engine = context.engine
    if request.appkey is None:
        engine.store.reset()
    else:
        context.state(request.appkey)
        engine.store.reset_app(request.appkey)
    engine.journal.clear(request.appkey)
    return {"released": context.release(request.appkey)}
