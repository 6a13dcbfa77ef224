CREATE TABLE audit_log (
    id text NOT NULL,
    tenant_id text NOT NULL,
    performed_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (performed_at);
CREATE INDEX idx_audit_tenant_date ON audit_log (tenant_id, performed_at);
