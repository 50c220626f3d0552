"""Which field a column is, by what its heading says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.operations.usage_dates import are_days, are_times, order_of
from dashboard.operations.usage_reading import FIELDS

# Headings as switches and spreadsheets write them, without blanks and signs. Earlier ones go before later.
_KNOWN = {
    "unique_id": "uniqueid uuid callid recordid cdrid id",
    "account_code": "accountcode account accountid customercode customerid customer client clientid"
    " accountnumber",
    "source": "source src caller callerid cli clid ani from anumber calling callingnumber callernumber"
    " calleridnumber origin sourcenumber fromnumber",
    "number": "number dst destinationnumber called callednumber callee to bnumber dialed dialled"
    " diallednumber dialednumber dnis tonumber calleenumber destinationaddress",
    "trunk": "trunk trunkname channel ingress intrunk ingresstrunk trunkin route gateway",
    "provider": "provider providername carrier vendor supplier egress outtrunk egresstrunk trunkout"
    " dstchannel",
    "started_at": "startedat start starttime startstamp startdate calldate datetime date time timestamp begin"
    " begintime setuptime calltime callstart connecttime",
    "answered_at": "answeredat answer answertime answerstamp answered",
    "duration": "duration durationseconds durationsec seconds length callduration totalduration sec secs",
    "billsec": "billsec billseconds billableseconds billedseconds billduration billableduration talktime"
    " chargeableduration chargeableseconds",
    "result": "result disposition status hangupcause cause releasecause callresult callstatus"
    " terminationcause",
    "destination": "destination destinationname country area zone description",
    "charge": "charge amount price cost1 customercharge sell retail total",
    "cost": "cost providercost buy buycost vendorcost providercharge",
}
_FIELD_OF = {heading: name for name, headings in _KNOWN.items() for heading in headings.split()}
# A start in two columns, where a file has one of each.
_DAYS = set("startdate date calldate setupdate callstartdate begindate".split())
_TIMES = set("starttime time calltime setuptime callstarttime begintime timeofday".split())

_CALLDATE = {
    "calldate": "started_at",
    "src": "source",
    "dst": "number",
    "channel": "trunk",
    "dstchannel": "provider",
    "duration": "duration",
    "billsec": "billsec",
    "disposition": "result",
    "accountcode": "account_code",
    "uniqueid": "unique_id",
}
_FREESWITCH = {
    "caller_id_number": "source",
    "destination_number": "number",
    "start_stamp": "started_at",
    "answer_stamp": "answered_at",
    "duration": "duration",
    "billsec": "billsec",
    "hangup_cause": "result",
    "uuid": "unique_id",
    "accountcode": "account_code",
    "gateway_name": "provider",
    "sip_gateway_name": "provider",
}


def own_columns(names: Sequence[str]) -> dict[str, int]:
    """The columns of our own CSV; empty where the headings are not all ours."""
    found = {name.lower(): at for at, name in enumerate(names) if name.lower() in FIELDS}
    needed = {"number", "started_at"}
    enough = needed <= set(found) and ("duration" in found or "billsec" in found)
    return found if enough and len(found) == len(names) else {}


def calldate_columns(names: Sequence[str]) -> dict[str, int]:
    return _by(names, _CALLDATE, {"calldate", "dst", "billsec"})


def freeswitch_columns(names: Sequence[str]) -> dict[str, int]:
    return _by(names, _FREESWITCH, {"destination_number", "start_stamp", "billsec"})


def named_columns(names: Sequence[str]) -> dict[str, int]:
    """The best guess by common headings; the first column that may be a field is it."""
    found: dict[str, int] = {}
    for at, name in enumerate(names):
        field = _FIELD_OF.get(_plain(name))
        if field is not None:
            found.setdefault(field, at)
    day, time = (
        next((at for at, name in enumerate(names) if _plain(name) in known), None)
        for known in (_DAYS, _TIMES)
    )
    if day is not None and time is not None:
        found |= {"started_at": day, "start_time": time}
    return found


def _plain(name: str) -> str:
    return "".join(sign for sign in name.lower() if sign.isalnum())


def settled_start(columns: Mapping[str, int], rows: Sequence[Sequence[str]]) -> dict[str, int]:
    """Without the column of times where the other has them already, or where it holds something else."""
    found = dict(columns)
    if "start_time" not in found:
        return found
    time = found["start_time"]
    days, times = ([row[at] for row in rows if at < len(row)] for at in (found["started_at"], time))
    if are_times(times) and are_days(days):
        return found
    del found["start_time"]
    if are_days(days) and order_of(times):
        found["started_at"] = time
    return found


def _by(names: Sequence[str], fields: dict[str, str], needed: set[str]) -> dict[str, int]:
    lower = [name.strip().lower() for name in names]
    if not needed <= set(lower):
        return {}
    found: dict[str, int] = {}
    for at, name in enumerate(lower):
        if name in fields:
            found.setdefault(fields[name], at)
    return found
