"""A Streamlit app: everything after the first page goes through a WebSocket."""

import streamlit as st

st.title(f"Hello, {st.context.headers.get('X-Forwarded-Preferred-Username', 'nobody')}")
count = st.session_state.setdefault("count", 0)
if st.button("Count"):
    count = st.session_state["count"] = count + 1
st.write(f"Counted {count}")
number = st.number_input("Number", value=2)
st.write(f"The square is {number * number}")
