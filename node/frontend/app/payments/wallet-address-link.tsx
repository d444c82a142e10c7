import { Link } from '@remix-run/react'

/** Who pays or is paid, by its URL. */
export function WalletAddressLink({ id, address }: { id: string; address: string | undefined }) {
  return (
    <Link to={`/wallet-addresses/${id}`} className="break-all text-accent underline">
      {address ?? id}
    </Link>
  )
}
