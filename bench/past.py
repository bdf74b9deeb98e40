"""The past in SQL: which rides there were, and the events that the view kept of them.

Made by arithmetic on the ride's number inside SQLite, because a million rides have six million events.
"""

SOURCE = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most)"

RIDES = f"""INSERT INTO past {SOURCE},
  rides AS (SELECT n,
    CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + (n - n / 10) % (:riders - 1) END AS userid,
    1 + n % :bikes AS bikeid,
    :begin + n * 2000 AS started,
    :begin + n * 2000 + (1 + n % 40) * 60000 + n * 37 % 60000 AS ended,
    (1 + n % 40) * 100 AS fee
    FROM numbers)
SELECT n, userid, bikeid, started, ended, fee,
  1 + row_number() OVER riding, :opening - sum(fee) OVER riding
FROM rides WINDOW riding AS (PARTITION BY userid ORDER BY n ROWS UNBOUNDED PRECEDING)
ORDER BY n"""
"""One row per ride: whole minutes at 100 won, the rider's balance after it, and the version of the account."""

TEXTS = (
    "CREATE TEMP TABLE texts (n INTEGER PRIMARY KEY, id, trace, started_time, started_stamp, ended_time, ended_stamp)",
    """INSERT INTO texts SELECT n,
  printf('%012x', n) AS id,
  '","traceparent":"00-' || printf('%032x-%016x', n, n) || '-01","correlationid":"' || printf('%032x', n)
    || '","ce_specversion":"1.0","content-type":"application/json"}' AS trace,
  strftime('%Y-%m-%dT%H:%M:%S.000Z', started / 1000, 'unixepoch') AS started_time,
  strftime('%Y%m%d%H%M%S', started / 1000, 'unixepoch') AS started_stamp,
  strftime('%Y-%m-%dT%H:%M:%S.000Z', ended / 1000, 'unixepoch') AS ended_time,
  strftime('%Y%m%d%H%M%S', ended / 1000, 'unixepoch') AS ended_stamp
FROM past""",
)
"""What all events of a ride share, written once: this is most of the time that the events take."""

KEPT = """INSERT INTO kept (message_id, type, key, headers, value)
SELECT id, '{type}', subject,
  CAST('{{"ce_id":"' || id || '","ce_type":"{type}","ce_source":"/gbike/{speaker}","ce_time":"' || {at}_time
    || '","ce_subject":"' || subject || trace AS BLOB),
  CAST('{{"eventType":"{type}","timestamp":"' || {at}_stamp || '",' || {facts} || '}}' AS BLOB)
FROM (SELECT past.*, {subject} AS subject, '00000000-0000-7{kind:03x}-8000-' || id AS id,
  trace, {at}_time, {at}_stamp FROM {rows} AS past JOIN texts USING (n) ORDER BY n)"""

_RENT, _RIDER = "'rent:' || n", "'user:' || userid"
_WHO = """'"rentid":' || n || ',"userid":' || userid"""
_BILL = """'"billid":' || n || ',"rentid":' || n || ',"userid":' || userid"""
_OPENINGS = (
    "(SELECT userid AS n, userid, :begin AS started, :opening AS balance"
    " FROM (SELECT DISTINCT userid FROM past) ORDER BY userid)"
)

EVENTS: tuple[dict[str, object], ...] = (
    {
        "kind": 0,
        "type": "AddedDeposit",
        "speaker": "user_deposit",
        "rows": _OPENINGS,
        "at": "started",
        "subject": _RIDER,
        "facts": """'"userid":' || userid || ',"deposit":' || balance || ',"billid":null,"amount":' || balance"""
        """ || ',"cause":"opening:' || userid || '","version":1'""",
    },
    {
        "kind": 1,
        "type": "Rented",
        "speaker": "rent",
        "rows": "past",
        "at": "started",
        "subject": _RENT,
        "facts": f"""{_WHO} || ',"bikeid":' || bikeid || ',"status":"rented","starttime":' || started""",
    },
    {
        "kind": 2,
        "type": "RegisteredBill",
        "speaker": "billing",
        "rows": "past",
        "at": "started",
        "subject": _RENT,
        "facts": f"""{_BILL} || ',"starttime":' || started || ',"status":"OPENBILL"'""",
    },
    {
        "kind": 3,
        "type": "Returned",
        "speaker": "rent",
        "rows": "past",
        "at": "ended",
        "subject": _RENT,
        "facts": f"""{_WHO} || ',"bikeid":' || bikeid || ',"status":"returned","endtime":' || ended"""
        """ || ',"endlocation":"dock ' || bikeid || '","starttime":' || started || ',"lat":null,"lon":null'""",
    },
    {
        "kind": 4,
        "type": "CalculatedFee",
        "speaker": "billing",
        "rows": "past",
        "at": "ended",
        "subject": _RENT,
        "facts": f"""{_BILL} || ',"endtime":' || ended || ',"fee":' || fee || ',"status":"APPLYFEE","starttime":'"""
        """ || started || ',"tariff":"100/60s floor"'""",
    },
    {
        "kind": 5,
        "type": "UpdatedDeposit",
        "speaker": "user_deposit",
        "rows": "past",
        "at": "ended",
        "subject": _RIDER,
        "facts": """'"userid":' || userid || ',"deposit":' || balance || ',"billid":' || n || ',"fee":' || fee"""
        """ || ',"version":' || version""",
    },
    {
        "kind": 6,
        "type": "ClosedBill",
        "speaker": "billing",
        "rows": "past",
        "at": "ended",
        "subject": _RENT,
        "facts": f"""{_BILL} || ',"status":"CLOSEBILL"'""",
    },
)
"""What the view heard of each ride, in the order of a ride; `kind` makes the message ids ascend."""
