//! Calls whose number is the code.

use serde_json::json;

use super::{
    calling::Callee,
    phoning::{call_to, calling, send},
    server::Stranger,
};
use crate::{
    app::on_both,
    process::{PATIENCE, eventually},
};

on_both! {
    async fn the_number_that_called_is_the_code_of_a_flash_call(database) {
        let place = database.create().await;
        let stranger = Stranger::start().await;
        let service = calling(&place.url, &stranger).serve().await;
        for (turn, callee) in [Callee::Ignores, Callee::Answers(Vec::new()), Callee::Ignores].into_iter().enumerate() {
            let number = format!("+35191234560{turn}");
            stranger.change(|platform| platform.callees.insert(number.clone(), callee.clone()));
            let id = send(&service, &number, "flashcall").await;
            let ended = async || call_to(&stranger, &number).ended_at.is_some();
            eventually("it stops ringing", PATIENCE, ended).await;
            let call = call_to(&stranger, &number);
            assert!(call.timeout <= 15, "{}", call.timeout);
            assert_eq!(call.answered, callee != Callee::Ignores);
            assert!(call.spoken.iter().all(|(_, text)| !text.contains(|sign: char| sign.is_ascii_digit())));
            // By its last digits, or by all of it.
            let code = if turn == 0 { &call.from[call.from.len() - 4..] } else { &call.from };
            let answer = service.client.verify(&id, code).await.unwrap();
            assert_eq!((answer.status, &answer.json()["channel"]), (200, &json!("flashcall")));
        }
    }
}
