//! The phone's camera, looking for a code. Only Rust calls it: what it reads goes to the wallet and not to the page.
//!
//! The picture lies behind the page, which is transparent while it looks, so that the page keeps its way out.

#[cfg(mobile)]
pub(crate) use phone::{plugin, scan, stop};

#[cfg(desktop)]
pub(crate) use desk::{plugin, scan, stop};

#[cfg(desktop)]
mod desk {
    //! A desktop finds codes in pictures only.

    use protocol::{ErrorCode, Problem};
    use tauri::{AppHandle, Builder, Runtime};

    pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
        builder
    }

    #[allow(clippy::unused_async, reason = "a phone waits for a code")]
    pub(crate) async fn scan<R: Runtime>(_app: &AppHandle<R>) -> Result<String, Problem> {
        Err(Problem::new(ErrorCode::CameraUnavailable))
    }

    #[allow(clippy::unused_async, reason = "a phone waits for its camera")]
    pub(crate) async fn stop<R: Runtime>(_app: &AppHandle<R>) -> Result<(), Problem> {
        Ok(())
    }
}

#[cfg(mobile)]
mod phone {
    //! The scanner of `tauri-plugin-barcode-scanner`. Its own Rust side offers it to pages only, so its native part is
    //! registered here, under a name of ours that no page is granted.

    use std::time::Duration;

    use protocol::{ErrorCode, Problem};
    use serde::{Deserialize, Serialize};
    use serde_json::json;
    use tauri::plugin::mobile::PluginInvokeError;
    use tauri::plugin::{PluginHandle, TauriPlugin};
    use tauri::{AppHandle, Builder, Manager, Runtime};
    // Brings the native part into the program.
    use tauri_plugin_barcode_scanner as _;

    /// How long the camera looks before it gives up and is switched off.
    const SCAN_WAIT_MAX: Duration = Duration::from_mins(2);
    /// How long a person may think about the permission.
    const PERMISSION_WAIT_MAX: Duration = Duration::from_mins(5);

    struct Camera<R: Runtime>(PluginHandle<R>);

    #[derive(Serialize)]
    struct Look {
        formats: [&'static str; 1],
        windowed: bool,
        #[serde(rename = "cameraDirection")]
        camera_direction: &'static str,
    }

    #[derive(Deserialize)]
    struct Found {
        content: String,
    }

    #[derive(Deserialize)]
    struct Permission {
        camera: String,
    }

    #[cfg(target_os = "ios")]
    mod ios {
        //! The Swift part's entry point.
        #![allow(unsafe_code, reason = "Tauri's macro declares the foreign function that makes the Swift object")]
        use tauri::Runtime;
        use tauri::plugin::mobile::PluginInvokeError;
        use tauri::plugin::{PluginApi, PluginHandle};

        tauri::ios_plugin_binding!(init_plugin_barcode_scanner);

        pub(super) fn register<R: Runtime>(api: &PluginApi<R, ()>) -> Result<PluginHandle<R>, PluginInvokeError> {
            api.register_ios_plugin(init_plugin_barcode_scanner)
        }
    }

    pub(crate) fn plugin<R: Runtime>(builder: Builder<R>) -> Builder<R> {
        let camera: TauriPlugin<R> = tauri::plugin::Builder::new("camera")
            .setup(|app, api| {
                #[cfg(target_os = "android")]
                let handle = api.register_android_plugin("app.tauri.barcodescanner", "BarcodeScannerPlugin")?;
                #[cfg(target_os = "ios")]
                let handle = ios::register(&api)?;
                app.manage(Camera(handle));
                Ok(())
            })
            .build();
        builder.plugin(camera).plugin(tauri_plugin_haptics::init())
    }

    /// Waits for a code and answers its text. Asks for the camera first.
    pub(crate) async fn scan<R: Runtime>(app: &AppHandle<R>) -> Result<String, Problem> {
        let camera = app.state::<Camera<R>>();
        let asked = camera.0.run_mobile_plugin_async("requestPermissions", json!({ "permissions": ["camera"] }));
        let permission: Permission = within(PERMISSION_WAIT_MAX, asked).await?;
        if permission.camera != "granted" {
            return Err(Problem::new(ErrorCode::CameraUnavailable));
        }
        let look = Look { formats: ["QR_CODE"], windowed: true, camera_direction: "back" };
        let found: Result<Found, Problem> = within(SCAN_WAIT_MAX, camera.0.run_mobile_plugin_async("scan", look)).await;
        if found.is_err() {
            stop(app).await?;
        }
        found.map(|found| found.content)
    }

    /// Switches the camera off. Twice is no error.
    pub(crate) async fn stop<R: Runtime>(app: &AppHandle<R>) -> Result<(), Problem> {
        let camera = app.state::<Camera<R>>();
        let stopped = camera.0.run_mobile_plugin_async::<()>("cancel", ()).await;
        if let Err(error) = stopped {
            tracing::debug!(%error, "the camera did not stop");
        }
        Ok(())
    }

    async fn within<T>(
        limit: Duration,
        call: impl Future<Output = Result<T, PluginInvokeError>>,
    ) -> Result<T, Problem> {
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(answer)) => Ok(answer),
            // The scanner's word for a look that was ended by us.
            Ok(Err(PluginInvokeError::InvokeRejected(refusal))) if refusal.message.as_deref() == Some("cancelled") => {
                Err(Problem::new(ErrorCode::Stopped))
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the camera failed");
                Err(Problem::new(ErrorCode::CameraUnavailable))
            }
            Err(_) => Err(Problem::new(ErrorCode::Stopped)),
        }
    }
}
