"""The settings: the whole configuration file, frozen, checked, with the default of every key.

Each section says what its keys mean: their descriptions are the reference, `docs/configuration.md` is made from them.
"""

from __future__ import annotations

from pathlib import Path

from gateway.settings.section import Section
from gateway.settings.sections.callbacks import CallbackSettings
from gateway.settings.sections.forward_auth import ForwardAuthSettings
from gateway.settings.sections.headers import HeaderSettings
from gateway.settings.sections.inspector import InspectorSettings
from gateway.settings.sections.limits import LimitSettings
from gateway.settings.sections.pages import PageSettings
from gateway.settings.sections.providers import AnyProvider
from gateway.settings.sections.redirects import RedirectSettings
from gateway.settings.sections.routes import RouteSettings
from gateway.settings.sections.server import ServerSettings
from gateway.settings.sections.session import SessionSettings
from gateway.settings.sections.store import StoreSettings
from gateway.settings.sections.upstreams import UpstreamSettings


class Settings(Section):
    """The whole configuration."""

    server: ServerSettings = ServerSettings()
    session: SessionSettings = SessionSettings()
    store: StoreSettings = StoreSettings()
    providers: tuple[AnyProvider, ...] = ()
    callbacks: CallbackSettings = CallbackSettings()
    pages: PageSettings = PageSettings()
    redirects: RedirectSettings = RedirectSettings()
    upstreams: tuple[UpstreamSettings, ...] = ()
    routes: tuple[RouteSettings, ...] = ()
    headers: HeaderSettings = HeaderSettings()
    forward_auth: ForwardAuthSettings = ForwardAuthSettings()
    inspector: InspectorSettings = InspectorSettings()
    limits: LimitSettings = LimitSettings()
    #: No key of the file: the folder that relative paths start from and that Python providers are imported from.
    folder: Path = Path()
