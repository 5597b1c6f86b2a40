//! `GET /pay/{authority}/qr.png`: the code that waits to be scanned, as a picture that a phone can save and open
//! in its bank's app.

use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use paydesk_core::authority::Authority;
use paydesk_core::tenant::Mode;
use paydesk_core::transaction::Status;
use qrcode::{Color, EcLevel, QrCode};

use super::png;
use super::still_to_pay::StillToPay;
use super::trouble::Trouble;
use super::visit::{Guest, Visit};
use crate::app::App;

/// The margin that a reader needs, in modules.
const QUIET_ZONE: usize = 4;
/// How many pixels wide a module is: large enough for a bank's app that scales pictures down.
const SCALE: usize = 10;

/// Handles the request.
pub async fn handle(State(app): State<Arc<App>>, guest: Guest) -> Response {
    let authority = Authority::from_text(&guest.link, app.engine.keys());
    let mode = authority.map_or(Mode::Live, |authority| authority.tenant.mode);
    match picture(&app, &guest).await {
        Ok(png) => {
            let mut response = png.into_response();
            let headers = response.headers_mut();
            app.page_headers.apply(mode, headers);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("image/png"));
            headers.insert(
                CONTENT_DISPOSITION,
                HeaderValue::from_static("attachment; filename=\"payment-code.png\""),
            );
            response
        }
        Err(trouble) => trouble.page(&app, mode, guest.language(None)),
    }
}

async fn picture(app: &App, guest: &Guest) -> Result<Vec<u8>, Trouble> {
    guest.admit(app)?;
    let visit = Visit::open(app, guest).await?;
    let waiting = visit.current().filter(|transaction| {
        matches!(
            transaction.status_at(visit.now),
            Status::AwaitingPayer { .. }
        )
    });
    let text = waiting
        .and_then(|transaction| {
            let destination = transaction.destination.as_ref()?;
            StillToPay::of(transaction, destination).code
        })
        .ok_or(Trouble::NotFound)?;
    let code =
        QrCode::with_error_correction_level(&*text, EcLevel::M).map_err(|_| Trouble::NotFound)?;
    let width = code.width();
    let colors = code.to_colors();
    let module = |pixel: u32| (pixel as usize / SCALE).checked_sub(QUIET_ZONE);
    let side = u32::try_from((width + 2 * QUIET_ZONE) * SCALE).unwrap_or(0);
    Ok(png::square(side, |column, row| {
        let (Some(x), Some(y)) = (module(column), module(row)) else {
            return false;
        };
        x < width && colors.get(y * width + x) == Some(&Color::Dark)
    }))
}
