ALTER TABLE ticket_lines DROP COLUMN discount_cents;
