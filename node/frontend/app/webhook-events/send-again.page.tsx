import { randomUUID } from 'node:crypto'
import type { ActionFunctionArgs } from '@remix-run/node'
import { useLoaderData } from '@remix-run/react'
import { z } from 'zod'
import { handleForm, pageLoader } from '../page.server.ts'
import { ConfirmDialog } from '../ui/confirm-dialog.tsx'
import { useNodeForm } from '../ui/node-form.tsx'
import { useShownEvent } from './shown-event.ts'
import { RESEND_WEBHOOK_EVENT } from './webhook-events.ts'

/** The key was made with the form: sent twice, the event goes out once. */
const sendAgainForm = z.object({ key: z.uuid(), event: z.uuid() })

export const loader = pageLoader(() => Promise.resolve({ key: randomUUID() }))

export const action = (args: ActionFunctionArgs) =>
  handleForm(args, sendAgainForm, async ({ api, url, value: { key, event } }) => {
    await api.call(RESEND_WEBHOOK_EVENT, { input: { id: event, idempotencyKey: key } })
    url.searchParams.delete('event')
    return { to: `/webhook-events${url.search}`, flash: 'The event is sent again' }
  })

export default function SendAgainPage() {
  const { key } = useLoaderData<typeof loader>()
  const { event, parent } = useShownEvent()
  const { form, fields } = useNodeForm(sendAgainForm, { values: { key } })
  const failed = event?.deliveries.filter(({ state }) => state === 'FAILED') ?? []
  return (
    <ConfirmDialog
      title="Send this event again"
      parent={parent}
      form={form}
      submitLabel="Send again"
      {...(failed.length === 0 && {
        impossible: 'It is not on this page of the list any more, or no delivery of it was given up.'
      })}
    >
      <p>
        <code className="break-all font-mono text-sm">{event?.type}</code> goes out at once, with the same id
        and as many attempts as at first: a wallet that has handled it already knows it by its id.
      </p>
      <input type="hidden" name={fields.key.name} value={key} />
      <input type="hidden" name={fields.event.name} value={event?.id ?? ''} />
    </ConfirmDialog>
  )
}
