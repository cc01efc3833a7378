CREATE TABLE payments (
    ticket_id bigint NOT NULL REFERENCES tickets,
    kind text NOT NULL CHECK (kind IN ('cash', 'card', 'cheque')),
    cents integer NOT NULL,
    PRIMARY KEY (ticket_id, kind)
);
-- Until now the till took cash alone.
INSERT INTO payments SELECT id, 'cash', cents FROM tickets;
