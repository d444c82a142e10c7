import { Badge } from '../ui/badge.tsx'

export function WalletAddressStatus({ status }: { status: 'ACTIVE' | 'INACTIVE' }) {
  return status === 'ACTIVE' ? <Badge look="good">Active</Badge> : <Badge>Inactive</Badge>
}
