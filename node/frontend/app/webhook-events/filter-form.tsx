import { getFormProps } from '@conform-to/react'
import { Form, useLoaderData } from '@remix-run/react'
import { LinkButton, SubmitButton } from '../ui/button.tsx'
import { SelectField, TextField } from '../ui/fields.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { DELIVERY_STATES, EVENT_TYPES, eventFilterForm } from './event-filter.ts'
import type { ListLoader } from './list.page.tsx'

/** What of the events is listed. It goes into the address, so that a search can be kept and shared. */
export function EventFilterForm() {
  const { given, types, isFiltered, tenants, refused } = useLoaderData<ListLoader>()
  const { form, fields } = useNodeForm(eventFilterForm, { intent: 'filter', values: given, refused })
  return (
    <details open={isFiltered} className="rounded-lg border border-line bg-surface p-4">
      <summary className="cursor-pointer font-medium">Search and filter</summary>
      <Form
        method="get"
        action="/webhook-events"
        {...getFormProps(form)}
        className="mt-4 flex flex-col gap-4"
      >
        <div className="grid gap-4 sm:grid-cols-2">
          <SelectField
            field={fields.deliveryState}
            label="Delivery"
            options={DELIVERY_STATES}
            emptyOption="Any"
          />
          {tenants && (
            <SelectField field={fields.tenantId} label="Tenant" options={tenants} emptyOption="All" />
          )}
          <TextField
            field={fields.resourceId}
            label="Resource ID"
            help="Of the payment, wallet address, peer or asset that events are about"
          />
        </div>
        <fieldset className="flex flex-col gap-1">
          <legend className="font-medium">Type</legend>
          <div className="grid gap-x-5 gap-y-2 sm:grid-cols-2">
            {EVENT_TYPES.map((type) => (
              <label key={type} className="flex items-center gap-2">
                <input
                  type="checkbox"
                  name="type"
                  value={type}
                  defaultChecked={types.includes(type)}
                  className="size-4 accent-accent"
                />
                <code className="break-all font-mono text-sm">{type}</code>
              </label>
            ))}
          </div>
          {fields.type.errors && (
            <p className="text-sm font-medium text-bad">{fields.type.errors.join(' ')}</p>
          )}
          <p className="text-sm text-muted">None ticked: events of every type</p>
        </fieldset>
        <div className="flex flex-wrap gap-3">
          <SubmitButton>Search</SubmitButton>
          {isFiltered && <LinkButton to="/webhook-events">Clear</LinkButton>}
        </div>
      </Form>
    </details>
  )
}
