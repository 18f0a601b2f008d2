//! The tables of both databases, as created by `migrations/`, which documents each column.

diesel::table! {
    users (username) {
        username -> Text,
        username_key -> Text,
        hashed_password -> Text,
        role -> Text,
        state -> Text,
        created_at -> Timestamp,
        must_change_password -> Bool,
        last_seen_at -> Nullable<Timestamp>,
        deleted_at -> Nullable<Timestamp>,
        auth_hash -> Nullable<Text>,
        one_time_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    invitations (id) {
        id -> BigInt,
        token_hash -> Text,
        role -> Text,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
        expires_at -> Timestamp,
        used_at -> Nullable<Timestamp>,
        used_by -> Nullable<Text>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Text,
        user_id -> Nullable<Text>,
        data -> Text,
        expires_at -> Timestamp,
        last_seen_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    throttles (key) {
        key -> Text,
        tries -> BigInt,
        tried_at -> Timestamp,
    }
}

diesel::table! {
    products (id) {
        id -> BigInt,
        name -> Text,
        name_key -> Text,
        description -> Nullable<Text>,
        quantity -> BigInt,
        issued -> BigInt,
        reserved -> BigInt,
        on_hand -> BigInt,
        stock -> BigInt,
        min_stock -> BigInt,
        is_low_stock -> Bool,
        buy_price_eur -> Nullable<BigInt>,
        sell_price_rub -> Nullable<BigInt>,
        supplier_name -> Nullable<Text>,
        supplier_key -> Text,
        value_eur -> BigInt,
        uncosted -> BigInt,
        version -> BigInt,
        created_at -> Timestamp,
        archived_at -> Nullable<Timestamp>,
        written_off -> BigInt,
        codes -> Text,
    }
}

diesel::table! {
    product_codes (code) {
        code -> Text,
        product_id -> BigInt,
    }
}

diesel::table! {
    supplies (id) {
        id -> BigInt,
        product_id -> BigInt,
        product_name -> Text,
        qty -> BigInt,
        supplier_name -> Text,
        supplier_key -> Text,
        buy_price_eur -> BigInt,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
        version -> BigInt,
        returned_qty -> BigInt,
        undone_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    orders (id) {
        id -> BigInt,
        phone -> Text,
        phone_shown -> Text,
        phone_digits -> Text,
        phone_reversed -> Text,
        customer_name -> Nullable<Text>,
        product_id -> BigInt,
        product_name -> Text,
        qty -> BigInt,
        unit_price_rub -> BigInt,
        list_price_rub -> Nullable<BigInt>,
        status -> Text,
        created_at -> Timestamp,
        issued_at -> Nullable<Timestamp>,
        issued_on -> Nullable<Date>,
        denied_at -> Nullable<Timestamp>,
        cost_eur -> Nullable<BigInt>,
        uncosted_qty -> Nullable<BigInt>,
        user_id -> Nullable<Text>,
        version -> BigInt,
        denied_on -> Nullable<Date>,
        customer_key -> Nullable<Text>,
        first_order_id -> Nullable<BigInt>,
        returned_qty -> BigInt,
        basket_id -> BigInt,
    }
}

diesel::table! {
    product_names (product_id, name) {
        product_id -> BigInt,
        name -> Text,
        name_key -> Text,
        used_until -> Timestamp,
    }
}

diesel::table! {
    stock_movements (id) {
        id -> BigInt,
        product_id -> BigInt,
        kind -> Text,
        quantity -> BigInt,
        issued -> BigInt,
        reserved -> BigInt,
        value_eur -> BigInt,
        uncosted -> BigInt,
        on_hand_after -> BigInt,
        stock_after -> BigInt,
        supply_id -> Nullable<BigInt>,
        order_id -> Nullable<BigInt>,
        note -> Nullable<Text>,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
        write_off_id -> Nullable<BigInt>,
        reverses_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    operation_log (id) {
        id -> BigInt,
        timestamp -> Timestamp,
        user_id -> Nullable<Text>,
        action -> Text,
        entity_type -> Text,
        entity_id -> Text,
        details -> Text,
        undoes_id -> Nullable<BigInt>,
    }
}

diesel::table! {
    exchange_rates (day) {
        day -> Date,
        rub_per_eur -> BigInt,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    sales_by_day (day, slot) {
        day -> Date,
        slot -> BigInt,
        orders -> BigInt,
        qty -> BigInt,
        revenue_rub -> BigInt,
        list_rub -> BigInt,
        cost_eur -> BigInt,
        cost_rub_exact -> BigInt,
        uncosted_qty -> BigInt,
        uncosted_rub -> BigInt,
        denied -> BigInt,
        returned_qty -> BigInt,
        returned_rub -> BigInt,
        written_off_qty -> BigInt,
        written_off_eur -> BigInt,
        written_off_rub_exact -> BigInt,
    }
}

diesel::table! {
    sales_by_month (month, product_id) {
        month -> Date,
        product_id -> BigInt,
        orders -> BigInt,
        qty -> BigInt,
        revenue_rub -> BigInt,
        list_rub -> BigInt,
        cost_eur -> BigInt,
        cost_rub_exact -> BigInt,
        uncosted_qty -> BigInt,
        uncosted_rub -> BigInt,
        denied -> BigInt,
        returned_qty -> BigInt,
        returned_rub -> BigInt,
        written_off_qty -> BigInt,
        written_off_eur -> BigInt,
        written_off_rub_exact -> BigInt,
    }
}

diesel::table! {
    sales_by_product (product_id) {
        product_id -> BigInt,
        orders -> BigInt,
        qty -> BigInt,
        revenue_rub -> BigInt,
        list_rub -> BigInt,
        cost_eur -> BigInt,
        cost_rub_exact -> BigInt,
        uncosted_qty -> BigInt,
        uncosted_rub -> BigInt,
        denied -> BigInt,
        returned_qty -> BigInt,
        returned_rub -> BigInt,
        written_off_qty -> BigInt,
        written_off_eur -> BigInt,
        written_off_rub_exact -> BigInt,
    }
}

diesel::table! {
    uploads (id) {
        id -> Text,
        kind -> Text,
        user_id -> Nullable<Text>,
        file_name -> Text,
        content -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    imports (upload_id) {
        upload_id -> Text,
        kind -> Text,
        user_id -> Nullable<Text>,
        content_hash -> Text,
        new_rows -> BigInt,
        changed_rows -> BigInt,
        same_rows -> BigInt,
        created_at -> Timestamp,
    }
}

diesel::table! {
    idempotency_keys (key) {
        key -> Text,
        user_id -> Nullable<Text>,
        fingerprint -> Text,
        entity_type -> Text,
        entity_id -> BigInt,
        created_at -> Timestamp,
        answer -> Nullable<Text>,
    }
}

diesel::table! {
    api_tokens (id) {
        id -> BigInt,
        user_id -> Text,
        name -> Text,
        hash -> Text,
        created_at -> Timestamp,
        last_used_at -> Nullable<Timestamp>,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    totp (user_id) {
        user_id -> Text,
        secret -> Text,
        created_at -> Timestamp,
        confirmed_at -> Nullable<Timestamp>,
        last_step -> BigInt,
    }
}

diesel::table! {
    recovery_codes (user_id, hash) {
        user_id -> Text,
        hash -> Text,
        used_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    notifications (id) {
        id -> BigInt,
        kind -> Text,
        channel -> Text,
        recipient -> Text,
        #[sql_name = "lane"]
        queue_key -> Text,
        notice -> Text,
        state -> Text,
        attempts -> BigInt,
        is_unsure -> Bool,
        created_at -> Timestamp,
        due_at -> Timestamp,
        ended_at -> Nullable<Timestamp>,
        last_error -> Nullable<Text>,
        claimed_by -> Nullable<Text>,
        claimed_until -> Nullable<Timestamp>,
    }
}

diesel::table! {
    notification_channels (channel) {
        channel -> Text,
        name -> Nullable<Text>,
        refused_at -> Nullable<Timestamp>,
        error -> Nullable<Text>,
    }
}

diesel::table! {
    chats (id) {
        id -> BigInt,
        user_id -> Text,
        chat_id -> BigInt,
        name -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    chat_codes (user_id) {
        user_id -> Text,
        hash -> Text,
        expires_at -> Timestamp,
    }
}

diesel::table! {
    bot_updates (bot_id, update_id) {
        bot_id -> BigInt,
        update_id -> BigInt,
        received_at -> Timestamp,
    }
}

diesel::table! {
    bot_pollers (bot_id) {
        bot_id -> BigInt,
        server -> Text,
        until -> Timestamp,
    }
}

diesel::table! {
    order_counts (slot) {
        slot -> BigInt,
        waiting -> BigInt,
        issued -> BigInt,
        denied -> BigInt,
    }
}

diesel::table! {
    order_names (order_id, word) {
        order_id -> BigInt,
        word -> Text,
    }
}

diesel::table! {
    erasures (id) {
        id -> BigInt,
        reason -> Text,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
        orders -> BigInt,
        log_entries -> BigInt,
        notifications -> BigInt,
        uploads -> BigInt,
        notes -> BigInt,
        purged_at -> Nullable<Timestamp>,
    }
}

diesel::table! {
    operation_log_personal (operation_id, field) {
        operation_id -> BigInt,
        field -> Text,
        value_before -> Nullable<Text>,
        value_after -> Nullable<Text>,
    }
}

diesel::table! {
    customer_retention (id) {
        id -> BigInt,
        days -> BigInt,
        run_at -> Timestamp,
        erased -> Nullable<BigInt>,
        waiting -> Nullable<BigInt>,
        due -> Nullable<BigInt>,
    }
}

diesel::table! {
    form_drafts (id) {
        id -> Text,
        owner -> Text,
        content -> Text,
        created_at -> Timestamp,
    }
}

diesel::table! {
    order_returns (id) {
        id -> BigInt,
        order_id -> BigInt,
        product_id -> BigInt,
        qty -> BigInt,
        reason -> Text,
        is_restocked -> Bool,
        refund_rub -> BigInt,
        list_rub -> BigInt,
        cost_eur -> BigInt,
        uncosted_qty -> BigInt,
        returned_on -> Date,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    write_offs (id) {
        id -> BigInt,
        product_id -> BigInt,
        qty -> BigInt,
        reason -> Text,
        cost_eur -> BigInt,
        uncosted_qty -> BigInt,
        order_return_id -> Nullable<BigInt>,
        written_off_on -> Date,
        undone_on -> Nullable<Date>,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::table! {
    supply_returns (id) {
        id -> BigInt,
        supply_id -> BigInt,
        qty -> BigInt,
        value_eur -> BigInt,
        user_id -> Nullable<Text>,
        created_at -> Timestamp,
    }
}

diesel::joinable!(product_codes -> products (product_id));
diesel::joinable!(operation_log_personal -> operation_log (operation_id));

diesel::allow_tables_to_appear_in_same_query!(
    users,
    sessions,
    throttles,
    products,
    product_codes,
    product_names,
    supplies,
    orders,
    order_counts,
    order_names,
    order_returns,
    write_offs,
    supply_returns,
    stock_movements,
    operation_log,
    operation_log_personal,
    erasures,
    exchange_rates,
    idempotency_keys,
    invitations,
    sales_by_day,
    sales_by_month,
    sales_by_product,
    uploads,
    imports,
    api_tokens,
    totp,
    recovery_codes,
    notifications,
    notification_channels,
    chats,
    chat_codes,
    bot_updates,
    bot_pollers,
    customer_retention,
    form_drafts,
);
