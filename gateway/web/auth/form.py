"""The sign-in form of a provider: from its declared fields to inputs with labels, types and attributes (contract section 11)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from gateway.providers.base import Field, Provider
from gateway.web.auth.field_attributes import input_type, may_name_account, read_attributes
from gateway.web.auth.field_style import read_style, rule_for
from gateway.web.log import event

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """One input, ready for the template."""

    key: str
    id: str
    label: str
    type: str
    attributes: Mapping[str, str]
    names_account: bool = False
    autofocus: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """One provider's form; `failed` if the attempt that this page tells of was made with it."""

    id: str
    name: str
    action: str
    inputs: tuple[Input, ...]
    style_rules: str = ""
    failed: bool = False
    dropped: tuple[str, ...] = field(default=(), repr=False)

    @property
    def account(self) -> str | None:
        """The key of the field that names the account: the first that can. None if there is none."""
        return next((entry.key for entry in self.inputs if entry.names_account), None)


def form_of(provider: Provider, *, filled: str | None = None, failed: bool = False, focus: bool = False) -> Form:
    """Make a form.

    Args:
        filled: What the field that names the account held at the failed attempt. No other field is ever filled again.
        focus: The form is the one to type into: its first empty input gets the focus.
    """
    inputs: list[Input] = []
    rules: list[str] = []
    dropped: list[str] = []
    account_seen = False
    for declared in provider.fields:
        made, rule, left_out = _input(declared, provider.id)
        dropped += left_out
        rules.append(rule)
        value: str | None = None
        if made.names_account and not account_seen:
            account_seen, value = True, filled
        else:
            made = replace(made, names_account=False)
        if value:
            made = replace(made, attributes={**made.attributes, "value": value})
        if focus and made.type != "hidden" and not made.attributes.get("value"):
            made, focus = replace(made, autofocus=True), False
        inputs.append(made)
    return Form(
        id=provider.id,
        name=provider.name,
        action=f"/api/auth/callback/{quote(provider.id, safe='')}",
        inputs=tuple(inputs),
        style_rules="".join(rules),
        failed=failed,
        dropped=tuple(dropped),
    )


def warn_of_dropped(form: Form) -> None:
    """Tell the operator what of the configured fields is not on the page."""
    for what in form.dropped:
        event(log, "sign-in-field-attribute-dropped", level=logging.WARNING, provider=form.id, what=what)


def _input(declared: Field, provider_id: str) -> tuple[Input, str, list[str]]:
    type_ = input_type(declared.type)
    attributes, left_out = read_attributes(declared.attributes)
    dropped = [f"{declared.key}.{name}" for name in left_out]
    if type_ != declared.type.lower():
        dropped.append(f"{declared.key}.type={declared.type}")
    if type_ == "password":
        attributes.pop("value", None)
    names_account = may_name_account(type_, attributes)
    attributes = _defaults(type_, names_account) | attributes
    element_id = f"input-{declared.key}-for-{provider_id}-provider"
    style = declared.attributes.get("style")
    rule = ""
    if isinstance(style, str):
        rule = rule_for(element_id, style)
        dropped += [f"{declared.key}.style: {text}" for text in read_style(style)[1]]
    made = Input(
        key=declared.key,
        id=element_id,
        label=declared.label,
        type=type_,
        attributes=attributes,
        names_account=names_account,
    )
    return made, rule, dropped


def _defaults(type_: str, names_account: bool) -> dict[str, str]:
    """What helps password managers and phone keyboards, unless the configuration says otherwise."""
    if type_ == "password":
        return {"autocomplete": "current-password"}
    if names_account:
        return {"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
    return {}
