CREATE TABLE closings (
    day date PRIMARY KEY,
    tickets integer NOT NULL,
    cents bigint NOT NULL,
    closed_at timestamptz NOT NULL DEFAULT now()
);
