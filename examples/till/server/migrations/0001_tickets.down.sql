DROP TABLE ticket_lines, tickets, articles;
DROP SEQUENCE receipt_number;
