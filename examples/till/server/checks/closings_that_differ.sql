-- A day is the shop's, whatever the server's time zone is.
SELECT c.day, c.tickets, count(t.id) AS found, c.cents, coalesce(sum(t.cents), 0) AS sold
FROM public.closings AS c LEFT JOIN public.tickets AS t ON (t.sold_at AT TIME ZONE 'Europe/Paris')::date = c.day
GROUP BY c.day HAVING c.cents <> coalesce(sum(t.cents), 0) OR c.tickets <> count(t.id)
