"""The past in SQL: which rides there were, made by arithmetic on the ride's number inside SQLite."""

SOURCE = "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :most)"

RIDES = f"""INSERT INTO past {SOURCE},
  rides AS (SELECT n,
    CASE WHEN n % 10 = 0 THEN 1 ELSE 2 + (n - n / 10) % (:riders - 1) END AS userid,
    1 + n % :bikes AS bikeid,
    :begin + n * 2000 AS started,
    :begin + n * 2000 + (1 + n % 40) * 60000 + n * 37 % 60000 AS ended,
    (1 + n % 40) * 100 AS fee
    FROM numbers)
SELECT n, userid, bikeid, started, ended, fee FROM rides ORDER BY n"""
"""One row per ride: whole minutes at 100 won."""
