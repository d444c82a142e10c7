import { Badge } from '../ui/badge.tsx'
import { LinkButton, SubmitButton } from '../ui/button.tsx'
import { DateTime } from '../ui/date-time.tsx'
import { TextField } from '../ui/fields.tsx'
import { NodeForm, useNodeForm } from '../ui/node-form.tsx'
import { Id, Section } from '../ui/page.tsx'
import { Table } from '../ui/table.tsx'
import { keyForm } from './wallet-address-forms.ts'
import type { WalletAddressKey } from './wallet-addresses.ts'

/** Public keys by which clients are known as this wallet address. */
export function KeysSection({ keys, isOwn }: { keys: readonly WalletAddressKey[]; isOwn: boolean }) {
  return (
    <Section
      title="Keys"
      help="Whoever holds the private half of one of them may sign as this wallet address."
    >
      <Table
        caption="Keys, newest first"
        rows={keys}
        keyOf={({ id }) => id}
        empty="It has no keys: no client signs as this wallet address."
        columns={[
          { name: 'Key ID', cell: ({ jwk }) => <Id>{jwk.kid}</Id> },
          { name: 'Public key', cell: ({ jwk }) => <Id>{jwk.x}</Id> },
          { name: 'Added', cell: ({ createdAt }) => <DateTime value={createdAt} /> },
          {
            name: 'Status',
            cell: ({ revoked }) => (revoked ? <Badge>Revoked</Badge> : <Badge look="good">Valid</Badge>)
          },
          {
            name: 'Actions',
            cell: ({ id, revoked }) =>
              revoked || !isOwn ? '—' : <LinkButton to={`keys/${id}/revoke`}>Revoke</LinkButton>
          }
        ]}
      />
      {isOwn && <AddKeyForm />}
    </Section>
  )
}

function AddKeyForm() {
  const { form, fields } = useNodeForm(keyForm, { intent: 'key' })
  return (
    <NodeForm form={form} intent="key">
      <TextField
        field={fields.jwk}
        label="New public key"
        rows={5}
        help={'A JSON Web Key: {"kid": …, "x": …, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA"}'}
      />
      <div>
        <SubmitButton intent="key">Add key</SubmitButton>
      </div>
    </NodeForm>
  )
}
