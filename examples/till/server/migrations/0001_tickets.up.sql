CREATE TABLE articles (
    code text PRIMARY KEY,
    label text NOT NULL,
    cents integer NOT NULL CHECK (cents >= 0)
);
INSERT INTO articles VALUES
    ('book', 'Livre', 200),
    ('cup', 'Tasse', 150),
    ('chair', 'Chaise', 1200),
    ('bike', 'Vélo', 4500),
    ('jumper', 'Pull', 400);
CREATE SEQUENCE receipt_number;
CREATE TABLE tickets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint NOT NULL UNIQUE DEFAULT nextval('receipt_number'),
    sold_at timestamptz NOT NULL DEFAULT now(),
    cents integer NOT NULL CHECK (cents >= 0)
);
CREATE TABLE ticket_lines (
    ticket_id bigint NOT NULL REFERENCES tickets,
    position integer NOT NULL,
    article text NOT NULL REFERENCES articles,
    cents integer NOT NULL CHECK (cents >= 0),
    PRIMARY KEY (ticket_id, position)
);
