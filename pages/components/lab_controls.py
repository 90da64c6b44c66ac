"""The lab's buttons and sliders. Each shows the lesion of the link and changes it; none has a state of its own."""

import streamlit as st

from core import lab
from core.data.phantom import RANGES, Parameters
from pages.components import lab_state, lab_words, look

_HEIGHT = 400  # of the sliders: about that of the picture and the answers beside them
_BOXES = "[data-testid='stTabPanel'] :is(.st-key-lab-body, .st-key-lab-tissue, .st-key-lab-signs, .st-key-lab-picture)"
_STYLE = (
    # On a phone nothing stands beside them, and a page that scrolls within a page hides most of them.
    "<style>@media (max-width: 640px) { [data-testid='stTabPanel'] "
    ":is([class*='st-key-lab-'], [data-testid='stLayoutWrapper']) { height: auto !important; } } "
    # Browsers hide scroll bars: a shadow at the lower edge says that more follows, and what scrolls covers it at the end.
    f"{_BOXES} {{ background: linear-gradient(transparent, light-dark(#ffffff, #0f1717) 60%) bottom / 100% 3rem no-repeat local, "
    "linear-gradient(transparent, light-dark(#0e171730, #e6efee30)) bottom / 100% 1.2rem no-repeat scroll; } "
    "</style>"
)


def toolbar(lesion: Parameters) -> None:
    """Where to begin, and the way back."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.session_state["lab-origin"] = lab_state.origin()
        st.selectbox(
            "Begin with",
            [*lab_words.ORDER, lab.RANDOM],
            format_func=lambda name: (
                "A random lesion" if name == lab.RANDOM else f"Textbook {look.diagnosis(name).lower()}"
            ),
            key="lab-origin",
            on_change=lambda: lab_state.start(st.session_state["lab-origin"]),
            width=225,
        )
        st.session_state["lab-seed"] = lesion.seed
        st.number_input(
            "Seed",
            min_value=0,
            max_value=10**15 - 1,
            step=1,
            key="lab-seed",
            on_change=lambda: lab_state.reseed(st.session_state["lab-seed"]),
            width=125,
            help="Which lesion of its kind: the seed decides where each dot and each line of it is.",
        )
        st.button("Random", icon=":material/casino:", on_click=lab_state.random, help="A random lesion of any class.")
        can = {"Undo": lab_state.can_undo(), "Redo": lab_state.can_redo(), "Reset": lab_state.changed()}
        icons = {"Undo": ":material/undo:", "Redo": ":material/redo:", "Reset": ":material/restart_alt:"}
        steps = {"Undo": lab_state.undo, "Redo": lab_state.redo, "Reset": lab_state.reset}
        with st.container(horizontal=True, gap="small", width="content"):  # these three break to the next line together
            for name, step in steps.items():
                st.button(name, icon=icons[name], on_click=step, disabled=not can[name])


def sliders(lesion: Parameters) -> None:
    """Every parameter of the lesion, its signs and its picture."""
    st.html(_STYLE)
    body, tissue, signs, picture = st.tabs(["A B C D", "Tissue", f"Signs ({len(lesion.signs)})", "Picture"])
    with body.container(height=_HEIGHT, border=False, key="lab-body"):
        _each(lesion, lab_words.ABCD)
    with tissue.container(height=_HEIGHT, border=False, key="lab-tissue"):
        _each(lesion, lab_words.TISSUE)
    with signs.container(height=_HEIGHT, border=False, key="lab-signs"):
        # By what the lesion was begun as, not by which are set: a slider would run away from the hand that sets it.
        for name in sorted(lab_words.SIGN_GROUPS, key=lambda name: name != lesion.diagnosis):
            st.markdown(f"**{look.diagnosis(name)}**")
            _each(lesion, lab_words.SIGN_GROUPS[name])
        st.caption("Signs stand under the diagnosis that they are textbook for. Any lesion may have any of them.")
    with picture.container(height=_HEIGHT, border=False, key="lab-picture"):
        _skin(lesion)
        st.button(
            "Another photograph",
            icon=":material/photo_camera:",
            on_click=lab_state.another_photograph,
            help="The same lesion turned or mirrored, with other hairs and other light. Does the answer stay?",
        )
        _each(lesion, lab_words.PICTURE)


def _each(lesion: Parameters, parameters: tuple[str, ...]) -> None:
    for parameter in parameters:
        _slider(lesion, parameter)


def _slider(lesion: Parameters, parameter: str) -> None:
    key = f"lab-{parameter}"
    low, high = RANGES[parameter]
    st.session_state[key] = round(100 * getattr(lesion, parameter))
    st.slider(
        lab_words.TITLES[parameter],
        round(100 * low),
        round(100 * high),
        format="%d%%",
        key=key,
        on_change=lambda: lab_state.change(parameter, st.session_state[key] / 100),
        help=lab_words.HELP.get(parameter),
    )


def _skin(lesion: Parameters) -> None:
    types = lab_words.SKIN_TYPES
    st.session_state["lab-skin"] = types[lesion.fitzpatrick - 1]
    st.select_slider(
        lab_words.TITLES["skin"],
        types,
        key="lab-skin",
        on_change=lambda: lab_state.change("skin", 1.0 + types.index(st.session_state["lab-skin"])),
        help=lab_words.HELP["skin"],
    )
