CREATE TABLE articles (
    code text PRIMARY KEY,
    label text NOT NULL,
    cents integer NOT NULL CHECK (cents >= 0)
);
INSERT INTO articles VALUES
    ('vaisselle', 'Vaisselle', 150),
    ('textile', 'Textile', 400),
    ('livres', 'Livres', 200),
    ('jouets', 'Jouets', 300),
    ('mobilier', 'Mobilier', 2500),
    ('electro', 'Électro', 1500),
    ('decoration', 'Décoration', 500),
    ('bricolage', 'Bricolage', 700);
CREATE SEQUENCE receipt_number;
CREATE TABLE tickets (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    number bigint NOT NULL UNIQUE DEFAULT nextval('receipt_number'),
    -- The till's own name of a sale: one that is sent twice counts once.
    sale_id uuid UNIQUE,
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
