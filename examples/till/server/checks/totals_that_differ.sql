SELECT t.number, t.cents, sum(l.cents) AS lines
FROM public.tickets AS t JOIN public.ticket_lines AS l ON l.ticket_id = t.id
GROUP BY t.id HAVING t.cents <> sum(l.cents)
