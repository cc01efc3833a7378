SELECT c.day, c.cents, coalesce(sum(t.cents), 0) AS sold
FROM public.closings AS c LEFT JOIN public.tickets AS t ON t.sold_at::date = c.day
GROUP BY c.day HAVING c.cents <> coalesce(sum(t.cents), 0)
