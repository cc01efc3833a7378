SELECT number FROM public.tickets AS t
WHERE NOT EXISTS (SELECT FROM public.ticket_lines AS l WHERE l.ticket_id = t.id)
