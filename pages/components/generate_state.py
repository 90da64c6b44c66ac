"""Who is asking, and what the form holds."""

import re
import secrets

import streamlit as st

from core import jobs

_KEY = "owner"
_PATTERN = re.compile(r"[A-Za-z0-9_-]{16,64}")


def owner() -> str:
    """The name under which this visitor's jobs are kept.

    It is made of a random key that lies in the session and, once something was submitted, in the address: the session alone
    would be lost with a reload, and Streamlit cannot set a cookie.
    """
    if _KEY not in st.session_state:
        told = st.query_params.get(_KEY, "")
        st.session_state[_KEY] = told if _PATTERN.fullmatch(told) else secrets.token_urlsafe(18)
    return jobs.owner_of(st.session_state[_KEY])


def keep_key(own: bool) -> None:
    """Put the key into the address if the visitor has jobs; where there is but one user, nobody needs one.

    Args:
        own: whether any job is the visitor's.
    """
    if own and not jobs.single_user() and st.query_params.get(_KEY) != st.session_state[_KEY]:
        st.query_params[_KEY] = st.session_state[_KEY]


def may_act(job) -> bool:
    """Whether the visitor may cancel, resume and remove ``job``."""
    return jobs.single_user() or job.is_of(owner())


def is_shared(job) -> bool:
    """Whether ``job`` is somebody else's beside the visitor's, who can then not take it from them."""
    return not jobs.single_user() and job.is_of(owner()) and bool(job.others(owner()))
