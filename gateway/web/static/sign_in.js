// What stands behind # in an address never leaves the browser, and a form that is sent forgets it. So it is put behind where the form and the
// link lead: browsers carry it from there over every redirect, to the page that was asked for. Without this script only that part is lost.
"use strict";
const { getAttribute, setAttribute } = Element.prototype; // an input may be called like either, and would hide the form's own
const carry = (element, name) => setAttribute.call(element, name, getAttribute.call(element, name).split("#")[0] + location.hash);
if (location.hash.length > 1) {
  document.querySelectorAll('form[action^="/api/auth/callback/"]').forEach((form) => carry(form, "action"));
  document.querySelectorAll("a.main[href]").forEach((link) => link.hash || carry(link, "href"));
}
