use tokio::sync::oneshot;

use super::*;

#[tokio::test]
async fn on_its_own_port_the_platform_is_found_where_a_real_one_is() {
    let world = World::new();
    let path = format!("/restcomm/2012-04-24/Accounts/{SID}/SMS/Messages");
    let request = world.request(Method::GET, &format!("{path}.json"));
    let (status, list) = json_of(request.basic_auth(SID, Some(TOKEN))).await;
    assert_eq!(status, 200);
    assert_eq!(list["uri"], path);
}

#[tokio::test]
async fn the_platform_stops_when_told_to() {
    let (stop, stopped) = oneshot::channel();
    let world = World::with_shutdown(async {
        stopped.await.unwrap();
    });
    world.send("+1", "x").await;
    stop.send(()).unwrap();
    let refused = async {
        while world
            .request(Method::GET, "/sim/platform")
            .send()
            .await
            .is_ok()
        {}
    };
    tokio::time::timeout(crate::app::PATIENCE, refused)
        .await
        .unwrap();
}
