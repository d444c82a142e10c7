import { getFormProps } from '@conform-to/react'
import { Form, useLoaderData } from '@remix-run/react'
import { LinkButton, SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import type { loader } from './list.page.tsx'
import { paymentFilterForm, STATES } from './payment-filter.ts'
import { nameOfState } from './payment-states.tsx'

const TYPES = [
  { value: 'INCOMING', label: 'Incoming' },
  { value: 'OUTGOING', label: 'Outgoing' }
]

/** What of the payments is listed. It goes into the address, so that a search can be kept and shared. */
export function FilterForm() {
  const { given, states, isFiltered, tenants, refused } = useLoaderData<typeof loader>()
  const { form, fields } = useNodeForm(paymentFilterForm, {
    intent: 'filter',
    values: {
      ...given,
      createdAfter: localTime(given.createdAfter),
      createdBefore: localTime(given.createdBefore)
    },
    refused
  })
  return (
    <details open={isFiltered} className="rounded-lg border border-line bg-surface p-4">
      <summary className="cursor-pointer font-medium">Search and filter</summary>
      <Form method="get" {...getFormProps(form)} className="mt-4 flex flex-col gap-4">
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField field={fields.type} label="Type" options={TYPES} emptyOption="Both" />
          {tenants && (
            <SelectField field={fields.tenantId} label="Tenant" options={tenants} emptyOption="All" />
          )}
          <TextField
            field={fields.walletAddressId}
            label="Wallet address ID"
            help="Payments of one wallet address; its page links here"
          />
          <TextField
            field={fields.receiver}
            label="Receiver"
            type="url"
            help="Outgoing payments to this incoming payment’s URL"
          />
          <div className="sm:col-start-1">
            <TextField
              field={fields.createdAfter}
              label="Created from (UTC)"
              type="datetime-local"
              step={1}
            />
          </div>
          <TextField
            field={fields.createdBefore}
            label="Created before (UTC)"
            type="datetime-local"
            step={1}
          />
        </div>
        <fieldset className="flex flex-col gap-1">
          <legend className="font-medium">State</legend>
          <div className="flex flex-wrap gap-x-5 gap-y-2">
            {STATES.map((state) => (
              <label key={state} className="flex items-center gap-2">
                <input
                  type="checkbox"
                  name="state"
                  value={state}
                  defaultChecked={states.includes(state)}
                  className="size-4 accent-accent"
                />
                {nameOfState(state)}
              </label>
            ))}
          </div>
          <p className="text-sm text-muted">None ticked: payments in every state</p>
        </fieldset>
        <div className="flex flex-wrap gap-3">
          <SubmitButton>Search</SubmitButton>
          {isFiltered && <LinkButton to="/payments">Clear</LinkButton>}
        </div>
      </Form>
    </details>
  )
}

/** A moment of the address as `<input type="datetime-local">` takes it. */
function localTime(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  const hasZone = /(Z|[+-]\d{2}:\d{2})$/.test(text)
  const date = new Date(hasZone ? text : `${text}Z`)
  return Number.isNaN(date.getTime()) ? text : date.toISOString().slice(0, 19)
}
