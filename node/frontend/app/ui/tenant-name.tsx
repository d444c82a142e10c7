import { Link } from '@remix-run/react'

/** Whose something is. */
export function TenantName({ tenant }: { tenant: { id: string; publicName: string | null } | null }) {
  if (tenant === null) return '—'
  return (
    <Link to={`/tenants/${tenant.id}`} className="text-accent underline">
      {tenant.publicName ?? tenant.id}
    </Link>
  )
}
