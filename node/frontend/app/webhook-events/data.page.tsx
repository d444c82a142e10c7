import { Id } from '../ui/page.tsx'
import { JsonBox } from '../ui/json-box.tsx'
import { RouteDialog } from '../ui/route-dialog.tsx'
import { useShownEvent } from './shown-event.ts'

export default function WebhookDataPage() {
  const { event, parent } = useShownEvent()
  return (
    <RouteDialog title={event?.type ?? 'Webhook event'} parent={parent}>
      {event === undefined ? (
        <p>This event is not on this page of the list any more.</p>
      ) : (
        <div className="flex flex-col gap-3">
          <p className="text-sm text-muted">
            Event <Id>{event.id}</Id>, as its receiver is told
          </p>
          <JsonBox label="Data of the event" value={event.data} />
        </div>
      )}
    </RouteDialog>
  )
}
